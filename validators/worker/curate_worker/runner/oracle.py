"""Runs the reference in higher precision: what the result would be if rounding played no part."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ..effects import Effects
from ..tensors import DTYPES
from ..values import Parcel, rebuild, unpack
from .arguments import arguments_of
from .free_order import Reversed
from .gradients import Gradients, Question, gradients_of
from .results import pack_result
from .uncompiled import Uncompiled

_SINGLE = torch.float32.itemsize
_MOST_PARAMETERS = 1 << 22
_LOW = {torch.float32, torch.float16, torch.bfloat16}
PRECISIONS = {"float64": torch.float64, "float32": torch.float32}


def run_in_precision(
    model: object, module: ModuleType, parcel: Parcel, how: tuple[str, str, Effects], nudge: dict | None
) -> Parcel:
    """
    Calls a copy of the model with every floating-point tensor in a precision, on a device; `how` names both, and what
    it writes into that is a result; `nudge` moves numbers of inputs by some units of their last place, of float32 where
    it is fine (and parameters as well), or by half of their digits where it is rough, or gives what may come in any
    order the other way round. References that cast inside (`x.float()`, `dtype=torch.float16`) are followed into the
    precision as well. Raises what they raise.
    """
    precision, device, changed = how
    wide = PRECISIONS[precision]
    tensors = _inputs_in(wide, parcel, device, nudge)
    args, kwargs = arguments_of(rebuild(parcel.tree, tensors.__getitem__, device))
    widened = _model_in(wide, model)
    if nudge is not None and nudge.get("is_fine") and isinstance(widened, torch.nn.Module):
        _nudge_parameters(widened, nudge)
    turned = nullcontext() if nudge is None or "turned" not in nudge else Reversed(nudge["turned"])
    with torch.no_grad(), _default_dtype(wide), Widen(wide), _widened_constants(module, wide), turned:
        output = widened(*args, **kwargs)
    return pack_result(output, tensors, changed, widened)


def gradients_in_precision(
    reference: tuple[object, ModuleType], parcel: Parcel, how: tuple[str, str], nudge: dict | None, question: Question
) -> Gradients:
    """The same with gradients recorded, of a model and its module; `how` names precision and device."""
    model, module = reference
    wide = PRECISIONS[how[0]]
    tensors, widened = _inputs_in(wide, parcel, how[1], nudge), _model_in(wide, model)
    with _default_dtype(wide), Widen(wide), _widened_constants(module, wide):
        return gradients_of(widened, parcel, tensors, how[1], question)


def _inputs_in(wide: torch.dtype, parcel: Parcel, device: str, nudge: dict | None) -> list[torch.Tensor]:
    tensors = [_widened(item, wide) for item in unpack(parcel, device)[1]]
    if nudge is None or "turned" in nudge:
        return tensors
    dice = torch.Generator().manual_seed(nudge["seed"])
    pairs = zip(tensors, parcel.tensors, strict=True)
    change = _roughened if nudge.get("is_rough") else _nudged
    is_fine = nudge.get("is_fine") is True
    return [change(item, _unit_of(DTYPES[known.dtype], is_fine=is_fine), nudge["units"], dice) for item, known in pairs]


# Of sums of products either factor may be rounded: moving an input alone moves all that it is multiplied by alike.
def _nudge_parameters(model: torch.nn.Module, nudge: dict) -> None:
    if sum(parameter.numel() for parameter in model.parameters()) > _MOST_PARAMETERS:
        return
    dice = torch.Generator().manual_seed(nudge["seed"] + 1)
    for parameter in model.parameters():
        parameter.data = _nudged(parameter.data, torch.float32, nudge["units"], dice)


# What is given in half precision is computed with in float32 all the same.
def _unit_of(dtype: torch.dtype, *, is_fine: bool) -> torch.dtype:
    return torch.float32 if is_fine and dtype.is_floating_point and dtype.itemsize < _SINGLE else dtype


def _model_in(wide: torch.dtype, model: object) -> Callable:
    widened = copy.deepcopy(model)
    if isinstance(widened, torch.nn.Module):
        return widened.to(wide)
    if not callable(widened):
        raise TypeError("a model that cannot be called")
    return widened


class Widen(Uncompiled, TorchDispatchMode):
    """Replaces floating-point dtypes that an operator is asked for by the wide one."""

    def __init__(self, wide: torch.dtype) -> None:
        super().__init__()
        self._wide = wide

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = dict(kwargs or {})
        if kwargs.get("dtype") in _LOW:
            kwargs["dtype"] = self._wide
        return function(*args, **kwargs)


@contextmanager
def _default_dtype(wide: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(wide)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


# Tensors that the reference keeps at module level, such as tables, are inputs in all but name.
@contextmanager
def _widened_constants(module: ModuleType, wide: torch.dtype) -> Iterator[None]:
    before = {name: value for name, value in vars(module).items() if isinstance(value, torch.Tensor)}
    for name, value in before.items():
        setattr(module, name, _widened(value, wide))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def _nudged(item: torch.Tensor, dtype: torch.dtype, units: float, dice: torch.Generator) -> torch.Tensor:
    if not dtype.is_floating_point or item.is_complex():
        return item
    noise = torch.rand(item.shape, generator=dice, dtype=torch.float64) * 2 - 1
    return item * (1 + noise.to(item.device, item.dtype) * (units * torch.finfo(dtype).eps / 2))


# By as much as is lost where squares are subtracted from one another: the root of a unit, of the largest of its row.
def _roughened(item: torch.Tensor, dtype: torch.dtype, units: float, dice: torch.Generator) -> torch.Tensor:
    if not dtype.is_floating_point or item.is_complex() or item.numel() == 0:
        return item
    noise = torch.rand(item.shape, generator=dice, dtype=torch.float64) * 2 - 1
    size = torch.where(torch.isfinite(item), item.abs(), 0)
    size = size.amax(-1, keepdim=True) if item.dim() else size
    return item + noise.to(item.device, item.dtype) * size * (units * torch.finfo(dtype).eps) ** 0.5


def _widened(item: torch.Tensor, wide: torch.dtype) -> torch.Tensor:
    if item.is_complex():
        return item.to(torch.complex128 if wide == torch.float64 else torch.complex64)
    return item.to(wide) if item.is_floating_point() else item
