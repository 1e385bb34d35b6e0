"""Runs pairs on the processor, each in a module of its own, and says what came out.

Reads a JSON list of pairs from standard input, writes their modules to the folder of the first argument and prints a
JSON list of results in the same order. Triton runs in its interpreter.
"""

import json
import sys
import types
from pathlib import Path
from typing import TypedDict

import torch
import triton


class WrittenPair(TypedDict):
    """Texts of a pair and its workloads: names of the reference's module to Python expressions."""

    reference: str
    candidate: str
    workloads: list[dict[str, str]]


def load(text: str, name: str, constants: dict[str, str]) -> types.ModuleType:
    module = types.ModuleType(name)
    sys.modules[name] = module
    # Triton reads the source of kernels back.
    path = Path(sys.argv[1]) / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    exec(compile(text, str(path), "exec"), module.__dict__)
    for key, value in constants.items():
        setattr(module, key, eval(value, module.__dict__))
    return module


def difference(pair: WrittenPair, name: str, constants: dict[str, str]) -> float:
    # Defaults of parameters are read while the module is: there the device is another one from the start.
    text = pair["reference"].replace('device = "cuda"', 'device = "cpu"')
    reference = load(text, f"{name}_reference", constants)
    candidate = load(pair["candidate"], f"{name}_candidate", {})
    torch.manual_seed(0)
    init = reference.get_init_inputs()
    model, model_new = reference.Model(*init), candidate.ModelNew(*init)
    model_new.load_state_dict(model.state_dict())
    inputs = reference.get_inputs()
    expected = model(*[value.clone() if isinstance(value, torch.Tensor) else value for value in inputs])
    actual = model_new(*inputs)
    both = zip(as_tuple(actual), as_tuple(expected), strict=True)
    return max((got.double() - wanted.double()).abs().max().item() for got, wanted in both)


def as_tuple(value: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return value if isinstance(value, tuple) else (value,)


def result(pair: WrittenPair, at: int) -> list[float] | str:
    try:
        return [difference(pair, f"pair_{at}_{turn}", constants) for turn, constants in enumerate(pair["workloads"])]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def first_configuration(configs: list[triton.Config], **_: object) -> object:
    """Stands in for `triton.autotune`, which measures on a device."""
    return triton.heuristics({name: lambda _, value=value: value for name, value in configs[0].kwargs.items()})


if __name__ == "__main__":
    triton.autotune = first_configuration
    pairs: list[WrittenPair] = json.load(sys.stdin)
    print(json.dumps([result(pair, at) for at, pair in enumerate(pairs)]))
