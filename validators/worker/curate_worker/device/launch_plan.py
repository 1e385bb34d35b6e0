"""
A launch plan, checked field by field before anything is compiled. `docs/device-form.md` says what each field means.

Judge and runner both read it: the judge to refuse what cannot be done before a GPU is waited for, the runner to launch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .expressions import PlanError, require_readable

_SCALARS: Final = {
    "int8": (1, "b"),
    "uint8": (1, "B"),
    "bool": (1, "?"),
    "int16": (2, "h"),
    "uint16": (2, "H"),
    "int32": (4, "i"),
    "uint32": (4, "I"),
    "int64": (8, "q"),
    "uint64": (8, "Q"),
    "float32": (4, "f"),
    "float64": (8, "d"),
}
POINTER_BYTES: Final = 8
_MOST_TENSORS, _MOST_LAUNCHES, _MOST_ARGUMENTS, _MOST_SYMBOLS, _MOST_DIMENSIONS = 64, 256, 128, 128, 8
_FIELDS: Final = {"source", "flags", "inputs", "parameters", "symbols", "outputs", "workspaces", "launches"}
_KERNEL: Final = re.compile(r"[A-Za-z_]\w{0,255}")

Expression = str | int


@dataclass(frozen=True)
class Room:
    """A tensor that is allocated for a call: an output or a workspace."""

    name: str
    dtype: str
    shape: tuple[Expression, ...] | str
    """Sizes, or the name of a tensor of the same shape."""
    fill: float | None
    """What it holds before the first launch; None for whatever lies there."""


@dataclass(frozen=True)
class Argument:
    """What a kernel is given: the address of a tensor, or a number."""

    tensor: str | None
    type: str = ""
    value: str | float = 0

    @property
    def num_bytes(self) -> int:
        """Bytes that it takes among a kernel's parameters."""
        return POINTER_BYTES if self.tensor is not None else _SCALARS[self.type][0]

    @property
    def code(self) -> str:
        """The type of a number as `struct` spells it."""
        return _SCALARS[self.type][1]


@dataclass(frozen=True)
class Launch:
    """One kernel launch."""

    kernel: str
    grid: tuple[Expression, ...]
    block: tuple[Expression, ...]
    shared_bytes: Expression
    arguments: tuple[Argument, ...]
    when: Expression
    """Not made where it is zero."""


@dataclass(frozen=True)
class LaunchPlan:
    """How a candidate's kernels make outputs of inputs."""

    source: str
    """The file that is compiled; it may include its siblings."""
    flags: tuple[str, ...]
    inputs: tuple[str, ...]
    """Names for the arguments of `forward`, in its order."""
    parameters: dict[str, str]
    """Names for parameters and buffers, by the reference's own names of them."""
    symbols: dict[str, Expression]
    """Names for numbers, each of which may use those before it."""
    outputs: tuple[Room, ...]
    workspaces: tuple[Room, ...]
    launches: tuple[Launch, ...]

    @property
    def rooms(self) -> tuple[Room, ...]:
        """All tensors that are allocated for a call."""
        return (*self.outputs, *self.workspaces)


def parse_plan(text: str) -> LaunchPlan:
    """Reads and checks a plan. Raises PlanError, which says where it is wrong."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"the plan is no JSON: {error}") from error
    fields = _object(value, "the plan", _FIELDS, {"source", "inputs", "outputs", "launches"})
    plan = LaunchPlan(
        source=_text(fields["source"], "source"),
        flags=tuple(_text(item, "flags") for item in _list(fields.get("flags", []), "flags", 32)),
        inputs=tuple(_name(item, "inputs") for item in _list(fields["inputs"], "inputs", _MOST_TENSORS)),
        parameters=_named(fields.get("parameters", {}), "parameters", _text),
        symbols=_named(fields.get("symbols", {}), "symbols", _expression),
        outputs=_rooms(fields["outputs"], "outputs"),
        workspaces=_rooms(fields.get("workspaces", []), "workspaces"),
        launches=_launches(fields["launches"]),
    )
    _require_names(plan)
    return plan


def _launches(value: object) -> tuple[Launch, ...]:
    return tuple(
        _launch(item, f"launches[{place}]") for place, item in enumerate(_list(value, "launches", _MOST_LAUNCHES))
    )


def _launch(value: object, place: str) -> Launch:
    known = {"kernel", "grid", "block", "shared_bytes", "arguments", "when"}
    fields = _object(value, place, known, {"kernel", "grid", "block", "arguments"})
    kernel = _text(fields["kernel"], f"{place}.kernel")
    if _KERNEL.fullmatch(kernel) is None:
        raise PlanError(f"{place}.kernel: {kernel[:40]!r} is no name of a kernel")
    given = _list(fields["arguments"], f"{place}.arguments", _MOST_ARGUMENTS)
    return Launch(
        kernel,
        _sizes(fields["grid"], f"{place}.grid", 3),
        _sizes(fields["block"], f"{place}.block", 3),
        _expression(fields.get("shared_bytes", 0), f"{place}.shared_bytes"),
        tuple(_argument(item, f"{place}.arguments[{index}]") for index, item in enumerate(given)),
        _expression(fields.get("when", 1), f"{place}.when"),
    )


def _argument(value: object, place: str) -> Argument:
    if isinstance(value, str):
        return Argument(_name(value, place))
    fields = _object(value, place, {"type", "value"}, {"type", "value"})
    kind = _text(fields["type"], f"{place}.type")
    if kind not in _SCALARS:
        raise PlanError(f"{place}.type: {kind[:40]!r} is none of {', '.join(_SCALARS)}")
    number = fields["value"]
    if type(number) is float:
        return Argument(None, kind, number)
    return Argument(None, kind, _expression(number, f"{place}.value"))


def _rooms(value: object, place: str) -> tuple[Room, ...]:
    items = _list(value, place, _MOST_TENSORS)
    return tuple(_room(item, f"{place}[{index}]") for index, item in enumerate(items))


def _room(value: object, place: str) -> Room:
    fields = _object(value, place, {"name", "dtype", "shape", "fill"}, {"name", "dtype", "shape"})
    fill = fields.get("fill")
    if fill is not None and type(fill) not in (int, float):
        raise PlanError(f"{place}.fill: a number or null is wanted")
    return Room(
        _name(fields["name"], f"{place}.name"),
        _text(fields["dtype"], f"{place}.dtype"),
        _shape(fields["shape"], f"{place}.shape"),
        fill,
    )


def _shape(value: object, place: str) -> tuple[Expression, ...] | str:
    return _name(value, place) if isinstance(value, str) else _sizes(value, place, _MOST_DIMENSIONS, least=0)


def _sizes(value: object, place: str, most: int, least: int = 1) -> tuple[Expression, ...]:
    items = _list(value, place, most)
    if len(items) < least:
        raise PlanError(f"{place}: at least {least} is wanted")
    return tuple(_expression(item, f"{place}[{index}]") for index, item in enumerate(items))


# What is used must be there, and nothing may be called alike.
def _require_names(plan: LaunchPlan) -> None:
    tensors = [*plan.inputs, *plan.parameters, *(room.name for room in plan.rooms)]
    names = [*tensors, *plan.symbols]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise PlanError(f"more than one thing is called {doubled[0]}")
    if not plan.launches or not plan.outputs:
        raise PlanError("a plan needs outputs, and launches that write them")
    for place, launch in enumerate(plan.launches):
        for argument in launch.arguments:
            if argument.tensor is not None and argument.tensor not in tensors:
                raise PlanError(f"launches[{place}]: there is no tensor {argument.tensor}")


def _expression(value: object, place: str) -> Expression:
    if type(value) is int:
        return value
    try:
        text = _text(value, place)
        require_readable(text)
    except PlanError as error:
        raise PlanError(f"{place}: {error}") from error
    return text


def _named(value: object, place: str, read: object) -> dict:
    if not isinstance(value, Mapping) or len(value) > _MOST_SYMBOLS or not callable(read):
        raise PlanError(f"{place}: an object of at most {_MOST_SYMBOLS} names is wanted")
    return {_name(name, place): read(item, f"{place}.{name}") for name, item in value.items()}


def _object(value: object, place: str, known: set[str], needed: set[str]) -> dict:
    if not isinstance(value, dict):
        raise PlanError(f"{place}: an object is wanted")
    if unknown := sorted(set(value) - known):
        raise PlanError(f"{place}: {unknown[0][:40]!r} is none of {', '.join(sorted(known))}")
    if missing := sorted(needed - set(value)):
        raise PlanError(f"{place}: {missing[0]} is missing")
    return value


def _list(value: object, place: str, most: int) -> list:
    if not isinstance(value, list) or len(value) > most:
        raise PlanError(f"{place}: a list of at most {most} is wanted")
    return value


def _name(value: object, place: str) -> str:
    text = _text(value, place)
    if not text.isidentifier() or not text.isascii() or text in ("and", "or", "not"):
        raise PlanError(f"{place}: {text[:40]!r} is no name")
    return text


def _text(value: object, place: str = "") -> str:
    if not isinstance(value, str):
        raise PlanError(f"{place}: a text is wanted")
    return value


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")
