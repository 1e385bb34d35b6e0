"""
Kernels that compute nothing. If one of them passes a task, passing the task means nothing: the field's corpora are full
of such tasks (KernelBench issue 165: zeros pass 4 of 60 problems of its first level).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch

from ..tensors import tensor_of
from ..values import Parcel
from .compare import is_accepted
from .expected import Expected
from .leaves import Leaf, tells
from .phases import phase

Outputs = list[torch.Tensor] | None
"""One tensor per leaf of the output that tells something; None where the null kernel does not apply."""
Call = tuple[Parcel, Expected]


def passing_null_kernel(calls: list[Call], more: Iterable[Callable[[], Call | None]] = ()) -> str | None:
    """
    The name of a null kernel that passes on every call, or None. `more` make calls of which there may be room for one;
    they are made as far as they are needed.
    """
    with phase("null_kernels"):
        passing = list(_passing(calls)) if calls else None
        for make in more:
            if passing == []:
                break
            passing = _still_passing(passing, make)
        return passing[0] if passing else None


# The call is gone when this returns: the next one may need its memory.
def _still_passing(passing: list[str] | None, make: Callable[[], Call | None]) -> list[str] | None:
    call = make()
    if call is None:
        return passing
    also = list(_passing([call]))
    return also if passing is None else [name for name in passing if name in also]


def _passing(calls: list[Call]) -> Iterator[str]:
    if not calls:
        return
    if not any(_tells(leaf) for leaf in calls[0][1].own):
        yield "a kernel that does nothing"
    for name, kernel in _null_kernels(calls):
        if all(_passes(kernel(index), calls[index][1]) for index in range(len(calls))):
            yield name


def _null_kernels(calls: list[Call]) -> Iterator[tuple[str, Callable[[int], Outputs]]]:
    yield "a kernel that returns zeros", lambda index: [torch.zeros_like(item) for item in _own(calls[index])]
    yield "a kernel that returns ones", lambda index: [torch.ones_like(item) for item in _own(calls[index])]
    yield "a kernel that returns NaN", lambda index: _filled_with_nan(calls[index])
    yield "a kernel that returns the mean", lambda index: _means(calls[index])
    if len(calls) > 1:
        yield "a kernel that returns its previous output", lambda index: _same_shapes(calls, index)
    for number in range(len(calls[0][0].tensors)):
        yield (
            f"a kernel that returns a copy of input {number}",
            lambda index, number=number: _copies(calls[index], number),
        )


def _passes(outputs: Outputs, expected: Expected) -> bool:
    if outputs is None:
        return False
    places = [index for index, leaf in enumerate(expected.own) if _tells(leaf)]
    return all(is_accepted(output, expected, place) for place, output in zip(places, outputs, strict=True))


def _own(call: Call) -> list[torch.Tensor]:
    return [leaf.tensor() for leaf in call[1].own if _tells(leaf)]


# A kernel that returns nothing of use is none, however well it keeps its running statistics.
def _tells(leaf: Leaf) -> bool:
    return tells(leaf) and not leaf.is_state


# The mean of one number is that number: of a single loss value it says nothing.
def _means(call: Call) -> Outputs:
    own = _own(call)
    return [_mean_of(item) for item in own] if all(item.numel() > 1 for item in own) else None


# A whole copy of gigabytes in float64 would not fit.
def _mean_of(tensor: torch.Tensor) -> torch.Tensor:
    wide = torch.complex128 if tensor.is_complex() else torch.float64
    known = tensor if tensor.dtype in (torch.float32, torch.complex64) else tensor.to(wide)
    return known.mean(dtype=wide).to(tensor.dtype).expand(tensor.shape).clone()


def _filled_with_nan(call: Call) -> Outputs:
    own = _own(call)
    if not all(item.is_floating_point() for item in own):
        return None
    return [torch.full_like(item, torch.nan) for item in own]


def _same_shapes(calls: list[Call], index: int) -> Outputs:
    before, now = _own(calls[index - 1]), _own(calls[index])
    same = all(old.shape == new.shape for old, new in zip(before, now, strict=True))
    return before if same else None


def _copies(call: Call, number: int) -> Outputs:
    inputs, _ = call
    source = tensor_of(inputs.tensors[number], inputs.blobs[number])
    own = _own(call)
    if any(item.shape != source.shape for item in own):
        return None
    return [source.to(item.device, item.dtype) for item in own]
