"""
A module that launches Triton's kernels, as PTX with a launch plan. It was rehearsed, so all that its host code computes
is known as numbers: they hold for the shapes of its workloads, and where these differ each launch says for which it is.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Final

from .ptx import Kernel, joined, read_kernel
from .refusal import CannotConvert

PLAN: Final = "plan.json"
KERNELS: Final = "kernels.ptx"
_SCALARS: Final = {
    **{"i1": "bool", "u1": "bool", "i8": "int8", "u8": "uint8", "i16": "int16", "u16": "uint16"},
    **{"i32": "int32", "u32": "uint32", "i64": "int64", "u64": "uint64", "fp32": "float32", "fp64": "float64"},
}
_SCRATCH: Final = ("global_scratch_size", "profile_scratch_size")
_THREADS_PER_WARP: Final = 32


def convert_triton(described: object) -> dict[str, str]:
    """The files of form `device`, of what a rehearsal saw. Raises CannotConvert."""
    try:
        return _converted(described)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CannotConvert("UNREADABLE", f"a rehearsal that says nothing: {type(error).__name__}") from error


@dataclass
class _Names:
    """What memory is called, by its number in one call."""

    of_memory: dict[int, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def give(self, memory: int, wanted: str) -> str:
        """A name for memory that has none yet."""
        name = re.sub(r"\W", "_", wanted, flags=re.ASCII)
        name = name if re.match(r"[A-Za-z_]", name) and name not in ("and", "or", "not") else f"_{name}"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        self.of_memory[memory] = name
        return name


def _converted(described: dict) -> dict[str, str]:
    if described["tuned"] is not None:
        raise CannotConvert(
            "AUTOTUNED", f"which configuration of {described['tuned']} runs depends on how long each takes"
        )
    calls = _different(described["calls"])
    for call in calls:
        _require_plain(call)
    kernels, names = _kernels(described["kernels"], calls)
    conditions = _conditions(calls)
    inputs = [item["name"] for item in calls[0]["inputs"]]
    outputs = _outputs(calls, conditions, inputs)
    parameters: dict[str, str] = {}
    workspaces: list[dict] = []
    launches: list[dict] = []
    for call, condition in zip(calls, conditions, strict=True):
        known = _Names(taken={*inputs, *(item["name"] for item in outputs), *(item["name"] for item in workspaces)})
        known.taken |= set(parameters)
        _name_tensors(call, known, outputs)
        used = _launches(call, condition, (known, parameters, workspaces), (described["kernels"], kernels, names))
        launches += used
    flags = [] if all(described["kernels"][key]["fuses"] for key in kernels) else ["--fmad=false"]
    plan = {
        "source": KERNELS,
        **({"flags": flags} if flags else {}),
        "inputs": inputs,
        **({"parameters": parameters} if parameters else {}),
        "outputs": outputs,
        **({"workspaces": workspaces} if workspaces else {}),
        "launches": launches,
    }
    text = json.dumps(plan, indent=2, allow_nan=False) + "\n"
    return {PLAN: text, KERNELS: joined({names[key]: kernel for key, kernel in kernels.items()})}


# Workloads that differ in numbers alone are one call here.
def _different(calls: list[dict]) -> list[dict]:
    found: list[dict] = []
    for call in calls:
        if call not in found:
            found.append(call)
    return found


def _require_plain(call: dict) -> None:
    if call["operation"] is not None:
        raise CannotConvert("HOST_OPERATION", f"PyTorch computes `{call['operation']}` in `forward`")
    if not call["launches"]:
        raise CannotConvert("NO_LAUNCH", "`forward` launches nothing")
    for item in call["inputs"]:
        if "shape" in item and not (item["is_contiguous"] and item["memory"] is not None):
            raise CannotConvert("NOT_CONTIGUOUS", f"the input {item['name']} has gaps, and inputs of a plan have none")
    if not call["is_one"] and len(call["outputs"]) == 1:
        raise CannotConvert("HOST_CODE", "`forward` returns something else than tensors")


def _kernels(facts: dict, calls: list[dict]) -> tuple[dict[str, Kernel], dict[str, str]]:
    wanted = list(dict.fromkeys(launch["kernel"] for call in calls for launch in call["launches"]))
    kernels: dict[str, Kernel] = {}
    names: dict[str, str] = {}
    for key in wanted:
        told = facts[key]
        if told["special"] or told["num_ctas"] != 1:
            raise CannotConvert("LAUNCH_ATTRIBUTES", f"{told['name']} is launched in clusters, cooperatively or early")
        if any(told[name] for name in _SCRATCH):
            raise CannotConvert("SCRATCH_MEMORY", f"{told['name']} wants memory of its own beside its arguments")
        kernels[key] = read_kernel(told["ptx"])
        name, number = kernels[key].name, 2
        while name in names.values():
            name, number = f"{kernels[key].name}_{number}", number + 1
        names[key] = name
    if len({bool(facts[key]["fuses"]) for key in wanted}) != 1:
        raise CannotConvert("UNREADABLE", "kernels with different flags of ptxas")
    return kernels, names


# Sizes in which the calls differ; an empty text where there is one call.
def _conditions(calls: list[dict]) -> list[str]:
    if len(calls) == 1:
        return [""]
    shapes = [[item.get("shape") for item in call["inputs"]] for call in calls]
    if len({tuple(map(bool, item)) for item in shapes}) != 1 or len({len(item) for item in shapes}) != 1:
        raise CannotConvert("HOST_CODE", "inputs of different kinds from workload to workload")
    texts = []
    for call, own in zip(calls, shapes, strict=True):
        terms = []
        for item, place in zip(call["inputs"], range(len(own)), strict=True):
            others = [other[place] for other in shapes]
            if own[place] is None or all(other == own[place] for other in others):
                continue
            if any(len(other) != len(own[place]) for other in others):
                terms.append(f"rank({item['name']}) == {len(own[place])}")
                continue
            sizes = [(axis, size) for axis, size in enumerate(own[place]) if any(o[axis] != size for o in others)]
            terms += [f"shape({item['name']}, {axis}) == {size}" for axis, size in sizes]
        texts.append(" and ".join(terms))
    if "" in texts or len(set(texts)) != len(texts):
        raise CannotConvert("SAME_SHAPES", "workloads of the same shapes that launch different things")
    return texts


def _outputs(calls: list[dict], conditions: list[str], inputs: list[str]) -> list[dict]:
    if len({len(call["outputs"]) for call in calls}) != 1:
        raise CannotConvert("HOST_CODE", "numbers of results that differ from workload to workload")
    found = []
    for place in range(len(calls[0]["outputs"])):
        rooms = [_room_of_output(call, place) for call in calls]
        if len({(room["dtype"], room["fill"], len(room["shape"])) for room in rooms}) != 1:
            raise CannotConvert("HOST_CODE", "results of different kinds from workload to workload")
        name = "out" if len(calls[0]["outputs"]) == 1 else f"out_{place}"
        while name in inputs:
            name += "_"
        shapes = [room["shape"] for room in rooms]
        found.append(_room(name, rooms[0], _alike(calls, shapes) or _chosen(shapes, conditions)))
    return found


def _room_of_output(call: dict, place: int) -> dict:
    output = call["outputs"][place]
    made = [item for item in call["allocated"] if item["memory"] == output.get("memory") is not None]
    again = [item for item in call["outputs"] if item.get("memory") == output.get("memory")]
    if not made or len(again) != 1:
        raise CannotConvert("RETURNS_OTHERS", "it returns something else than what it allocated, or the same twice")
    is_whole = math.prod(output["shape"]) == math.prod(made[0]["shape"]) and output["is_contiguous"]
    if not is_whole or output["dtype"] != made[0]["dtype"]:
        raise CannotConvert("RETURNS_OTHERS", "it returns part of what it allocated, or as another type")
    return {"shape": output["shape"], "dtype": output["dtype"], "fill": made[0]["fill"]}


# The input that it is as large as, whatever the workload.
def _alike(calls: list[dict], shapes: list[list[int]]) -> str | None:
    for place, item in enumerate(calls[0]["inputs"]):
        if [call["inputs"][place].get("shape") for call in calls] == shapes:
            return item["name"]
    return None


def _chosen(shapes: list[list[int]], conditions: list[str]) -> list[int | str]:
    return [_choice([shape[axis] for shape in shapes], conditions) for axis in range(len(shapes[0]))]


def _choice(sizes: list[int], conditions: list[str]) -> int | str:
    if len(set(sizes)) == 1:
        return sizes[0]
    text = str(sizes[-1])
    for size, condition in zip(sizes[-2::-1], conditions[-2::-1], strict=True):
        text = f"select({condition}, {size}, {text})"
    return text


def _room(name: str, room: dict, shape: list | str) -> dict:
    filled = {} if room["fill"] is None else {"fill": room["fill"]}
    return {"name": name, "dtype": room["dtype"], "shape": shape} | filled


def _name_tensors(call: dict, known: _Names, outputs: list[dict]) -> None:
    for item in call["inputs"]:
        if item.get("memory") is not None:
            known.of_memory[item["memory"]] = item["name"]
    for item, room in zip(call["outputs"], outputs, strict=True):
        known.of_memory[item["memory"]] = room["name"]


_Rooms = tuple[_Names, dict[str, str], list[dict]]
_Compiled = tuple[dict, dict[str, Kernel], dict[str, str]]


def _launches(call: dict, condition: str, rooms: _Rooms, compiled: _Compiled) -> list[dict]:
    facts, kernels, names = compiled
    found = []
    for launch in call["launches"]:
        key = launch["kernel"]
        told, kernel = facts[key], kernels[key]
        if any(type(size) is not int for size in launch["grid"]):
            raise CannotConvert("HOST_CODE", f"the grid of {told['name']} is no whole numbers")
        given = [
            _argument(name, kind, launch["arguments"][name], (call, condition, rooms))
            for name, kind in told["signature"].items()
            if kind != "constexpr"
        ]
        # Addresses of scratch memory, of which it wants none.
        given += [{"type": "uint64", "value": 0}] * (kernel.num_parameters - len(given))
        threads = kernel.num_threads or _THREADS_PER_WARP * told["num_warps"]
        found.append(
            {
                "kernel": names[key],
                "grid": launch["grid"],
                "block": [threads],
                **({"shared_bytes": told["shared"]} if told["shared"] else {}),
                "arguments": given,
                **({"when": condition} if condition else {}),
            }
        )
    return found


def _argument(name: str, kind: str, item: dict, where: tuple[dict, str, _Rooms]) -> str | dict:
    if kind.startswith("*"):
        if item.get("memory") is None:
            raise CannotConvert("VIEW", f"the argument {name} is the middle of a tensor, or of none that is known")
        return _tensor(item["memory"], *where)
    if kind not in _SCALARS or "number" not in item:
        raise CannotConvert("ARGUMENT_TYPE", f"the argument {name} is of type {kind[:40]}")
    number, is_whole = item["number"], not kind.startswith("fp")
    return {"type": _SCALARS[kind], "value": int(number) if is_whole else float(number)}


def _tensor(memory: int, call: dict, condition: str, rooms: _Rooms) -> str:
    known, parameters, workspaces = rooms
    if memory in known.of_memory:
        return known.of_memory[memory]
    for path, item in call["state"].items():
        if item["memory"] == memory:
            own = next((name for name, other in parameters.items() if other == path), None)
            name = known.give(memory, path) if own is None else own
            known.of_memory[memory] = name
            parameters[name] = path
            return name
    for item in call["allocated"]:
        if item["memory"] == memory:
            name = known.give(memory, f"workspace_{len(workspaces)}")
            count = math.prod(item["shape"])
            workspaces.append(_room(name, item, [f"select({condition}, {count}, 0)" if condition else count]))
            return name
    raise CannotConvert("CONSTANT", "a kernel is given a tensor that is no input, parameter or buffer")
