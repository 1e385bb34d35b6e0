"""A reference with one mistake in it: in its source, in a parameter, or in an input that it does not look at."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

import torch

from ..effects import Effects
from ..tensors import TensorDescriptor
from ..values import Parcel, unpack
from . import modules
from .arguments import arguments_of
from .inputs import seed_all
from .mutations import Mutation, mutations_of
from .program import Program
from .results import pack_result

_MAX_TENSORS: Final = 16
_FACTOR: Final = 1.5


@dataclass(frozen=True)
class Origin:
    """What a reference was opened with."""

    source: str
    axes: dict[str, str]
    seed: int
    device: str
    folder: Path


def mutants_of(origin: Origin, program: Program, inputs: Parcel) -> list[str]:
    """What the mutants of a reference are, in order; `call_mutant` takes a place in this list."""
    names = [f"line {mutation.line}: {mutation.text}" for mutation in _in_source(origin)]
    names += [f"parameter {name} is ignored" for name in _parameters(program)]
    return names + [f"input {index} is ignored" for index in _inputs(inputs)]


def call_mutant(origin: Origin, program: Program, model: object, inputs: Parcel, which: tuple[int, Effects]) -> Parcel:
    """
    What a mutant returns for inputs; `which` says the mutant, and what it writes into that is a result. Raises whatever
    it raises.
    """
    place, changed = which
    mutations, parameters = _in_source(origin), _parameters(program)
    if place < len(mutations):
        return _called(_model_of(origin, mutations[place], program), inputs, origin, changed)
    place -= len(mutations)
    if place < len(parameters):
        other = copy.deepcopy(model)
        with torch.no_grad():
            _forget(other.state_dict()[parameters[place]])
        return _called(other, inputs, origin, changed)
    without = _inputs(inputs)[place - len(parameters)]
    return _called(model, inputs, origin, changed, without=without)


def _in_source(origin: Origin) -> list[Mutation]:
    try:
        return mutations_of(origin.source)
    except (SyntaxError, RecursionError):
        return []


def _model_of(origin: Origin, mutation: Mutation, program: Program) -> object:
    seed_all(origin.seed)
    module: ModuleType = modules.load_reference(origin.folder, mutation.make(), origin.axes, origin.device)
    model = _made(module, origin.device)
    if isinstance(model, torch.nn.Module):
        model = model.to(origin.device)
        model.load_state_dict(program.state(), strict=False)
    return model


# What it draws is replaced by the reference's parameters, so it may be drawn where that is quickest.
def _made(module: ModuleType, device: str) -> object:
    args, kwargs = arguments_of(module.get_init_inputs())
    with torch.no_grad(), contextlib.suppress(RuntimeError, TypeError), torch.device(device):
        return module.Model(*args, **kwargs)
    with torch.no_grad():
        return module.Model(*args, **kwargs)


def _called(model: object, inputs: Parcel, origin: Origin, changed: Effects, *, without: int | None = None) -> Parcel:
    values, tensors = unpack(inputs, origin.device)
    if without is not None:
        _forget(tensors[without])
    args, kwargs = arguments_of(values)
    seed_all(origin.seed)
    with torch.no_grad():
        return pack_result(model(*args, **kwargs), tensors, changed, model)


def _parameters(program: Program) -> list[str]:
    tensors = [(name, item) for name, item in program.state().items() if isinstance(item, torch.Tensor)]
    return [name for name, item in tensors if item.is_floating_point() and item.numel()][:_MAX_TENSORS]


def _inputs(inputs: Parcel) -> list[int]:
    return [index for index, item in enumerate(inputs.tensors[:_MAX_TENSORS]) if _can_be_overwritten(item)]


def _can_be_overwritten(item: TensorDescriptor) -> bool:
    is_number = item.dtype.startswith(("float", "bfloat"))
    overlaps = any(size > 1 and stride == 0 for size, stride in zip(item.shape, item.strides, strict=True))
    return 0 not in item.shape and not overlaps and (is_number or item.shape != ())


# Numbers give way to their mean, single ones to another, indices to the first among them.
def _forget(tensor: torch.Tensor) -> None:
    if tensor.is_floating_point():
        mean = tensor.to(torch.float64).mean()
        tensor.fill_(float(mean) if tensor.numel() > 1 else float(mean) * _FACTOR + (float(mean) == 0))
    else:
        tensor.copy_(tensor.reshape(-1)[0].clone().expand(tensor.shape))
