"""One call of a task: its inputs and what must come out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import torch

from ..tensors import DTYPES, Blob, as_bytes, copy_of, has_fraction
from ..values import Parcel
from .expected import Expected, by_own
from .free_orders import Orders
from .quick_digests import digests_of
from .samples import Timing
from .tolerance import Tolerance

MAX_CACHED_BYTES = 1 << 30
"""Of all cases of a workload that are kept; one that takes more by itself is large."""
_LEAST_ELEMENTS = 2
_PICKS: Final = 8
_SHRINKING: Final = 1 / 64


@dataclass(frozen=True)
class Case:
    """One call: its inputs and what must come out."""

    index: int
    inputs: Parcel
    expected: Expected
    num_bytes: int
    calibration: Expected | None = None
    """What some rows of the output must be, where these say how far off all of it may be."""
    _digests: list[str] = field(default_factory=list)

    @property
    def calibrated(self) -> Expected:
        """What says how far off an output may be."""
        return self.expected if self.calibration is None else self.calibration

    def input_digests(self) -> list[str]:
        """Digests of the inputs, computed once."""
        if not self._digests:
            self._digests.extend(digests_of(self.inputs))
        return self._digests

    def answered(self, own: Parcel) -> Case:
        """Itself: what must come out is known."""
        del own
        return self


@dataclass(frozen=True)
class OpenCase:
    """One call of which the reference has not been asked yet what must come out."""

    index: int
    inputs: Parcel
    num_bytes: int
    """Of its inputs, and of the largest output that was seen so far."""
    tolerances: list[Tolerance | None]
    orders: Orders

    def answered(self, own: Parcel) -> Case:
        """The case, given what the reference makes of it."""
        return Case(
            self.index, self.inputs, by_own(own, self.tolerances, self.orders), self.inputs.num_bytes + own.num_bytes
        )


def is_large(case: Case) -> bool:
    """Whether a case takes so much that there is room for one at a time."""
    return case.num_bytes > MAX_CACHED_BYTES


@dataclass(frozen=True)
class ReferenceCall:
    """One call of the reference."""

    output: Parcel
    timing: Timing
    input_digests: list[str] = field(default_factory=list)
    """Of what became of its inputs; this and the rest only where it was asked for."""
    aliases: list[tuple[int, int]] = field(default_factory=list)
    """Pairs of an output and an input in one memory."""
    is_parameter: bool = False
    """Whether an output is the memory of a parameter or buffer."""
    has_twin_outputs: bool = False
    """Whether two outputs are the same memory."""
    changed_state: list[str] = field(default_factory=list)
    """Parameters and buffers that it wrote into."""
    ran_beside: int = 0
    """Nanoseconds of processors that somebody else used during the call."""


def with_one_element_replaced(inputs: Parcel, seed: int) -> Parcel | None:
    """
    The same inputs with one element of every floating-point tensor replaced by another of it, of integers where there
    is nothing else; None where that changes nothing.
    """

    def replace_one(elements: torch.Tensor, dtype: torch.dtype) -> bool:
        # Integers of which there is one each are an order of something.
        if not dtype.is_floating_point and len(elements.unique(dim=0)) == len(elements):
            return False
        target, source = seed % len(elements), (seed // len(elements)) % len(elements)
        is_other = not torch.equal(elements[target], elements[source])
        elements[target] = elements[source]
        return is_other

    return _changed(inputs, replace_one)


def with_two_elements_exchanged(inputs: Parcel, seed: int) -> Parcel | None:
    """
    The same inputs with two elements of every floating-point tensor in each other's place, so that sums, norms and
    extremes are what they were; of integers where there is nothing else. None where that changes nothing.
    """
    return _changed(inputs, partial(_exchange, seed))


def with_numbers_shrunk(inputs: Parcel, seed: int) -> Parcel | None:
    """The same inputs with every number with a fraction smaller by up to 1/64; None where there is none."""

    def shrink(elements: torch.Tensor, dtype: torch.dtype) -> bool:
        if not has_fraction(dtype):
            return False
        values, known = elements.view(dtype), elements.clone()
        dice = torch.Generator(values.device).manual_seed(seed)
        noise = torch.rand(values.shape, generator=dice, device=values.device)
        values.mul_((1 - _SHRINKING * noise).to(dtype))
        return not torch.equal(elements, known)

    return _changed(inputs, shrink)


# Of a few numbers those that differ most: exchanging two that a rectifier takes for the same would show nothing.
def _exchange(seed: int, elements: torch.Tensor, dtype: torch.dtype) -> bool:
    dice = random.Random(seed)
    places = [dice.randrange(len(elements)) for _ in range(_PICKS)]
    numbers = elements[places].view(dtype).flatten().to(torch.float64).nan_to_num(0.0, 0.0, 0.0)
    pair = [places[int(numbers.argmin())], places[int(numbers.argmax())]]
    is_other = not torch.equal(*elements[pair])
    elements[pair] = elements[pair[::-1]].clone()
    return is_other


# `change` is given the elements of a tensor as rows of bytes, and says whether any are others then.
def _changed(inputs: Parcel, change: Callable[[torch.Tensor, torch.dtype], bool]) -> Parcel | None:
    blobs, is_changed = [], False
    are_integers = not any(DTYPES[descriptor.dtype].is_floating_point for descriptor in inputs.tensors)
    for descriptor, blob in zip(inputs.tensors, inputs.blobs, strict=True):
        dtype = DTYPES[descriptor.dtype]
        can_be = blob.nbytes // dtype.itemsize >= _LEAST_ELEMENTS
        if not can_be or not (_is_disorderly(blob, dtype) if are_integers else dtype.is_floating_point):
            blobs.append(blob)
            continue
        copy = copy_of(blob)
        is_changed = change(as_bytes(copy).view(-1, dtype.itemsize), dtype) or is_changed
        blobs.append(copy)
    return replace(inputs, blobs=blobs) if is_changed else None


# Integers that stand in order, such as the starts of sequences, mean nothing otherwise.
def _is_disorderly(blob: Blob, dtype: torch.dtype) -> bool:
    if dtype.is_complex:
        return False
    values = as_bytes(blob).view(dtype).to(torch.int64)
    return bool((values[1:] < values[:-1]).any())
