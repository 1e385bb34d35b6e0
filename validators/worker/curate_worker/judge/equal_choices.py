"""
Indices of equal values. PyTorch says of `median`, `topk`, `sort`, `mode` and `kthvalue` that any of them may be named
where several are equal, and names others itself on other devices. Where the values are asked for beside their indices
it can be looked up whether an index names the right one; who always names the first is held to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch

from ..tensors import tensor_of
from .expected import Expected

_INDICES: Final = (torch.int32, torch.int64)
_PAIR: Final = 2


def names_equal_values(given: torch.Tensor, expected: Expected, index: int) -> bool:
    """Whether indices are other than the reference's, and name the very values that the reference gives beside its."""
    wanted = expected.own[index].tensor()
    if wanted.dtype not in _INDICES or given.shape != wanted.shape or wanted.numel() == 0:
        return False
    given, wanted = given.to(torch.int64), wanted.to(torch.int64)
    for source, values in _beside(expected, wanted):
        for dim in range(source.dim()):
            mine = _at(source, dim, wanted)
            if mine is None or not _same(mine, values):
                continue
            # In any order nobody stands first.
            is_ordered = not expected.orders or expected.orders[index] is None
            if is_ordered and _names_the_first(source, dim, wanted, values):
                continue
            theirs = _at(source, dim, given)
            is_right = theirs is not None and _same(theirs, values)
            return is_right and (_repeats(wanted, source, dim) or not _repeats(given, source, dim))
    return False


# An input and an output of one dtype, the latter of the shape of the indices.
def _beside(expected: Expected, wanted: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    inputs = expected.inputs
    if inputs is None:
        return
    for leaf in expected.own:
        if leaf.descriptor is None or tuple(leaf.descriptor.shape) != tuple(wanted.shape):
            continue
        for descriptor, blob in zip(inputs.tensors, inputs.blobs, strict=True):
            if descriptor.dtype == leaf.descriptor.dtype:
                yield tensor_of(descriptor, blob).to(wanted.device), leaf.tensor().to(wanted.device)


def _at(source: torch.Tensor, dim: int, indices: torch.Tensor) -> torch.Tensor | None:
    kept = _kept(indices, source, dim)
    if kept is None or not bool(((kept >= 0) & (kept < source.shape[dim])).all()):
        return None
    return source.gather(dim, kept).reshape(indices.shape)


# With the dimension that a reduction took away; None where they are no indices of that dimension.
def _kept(items: torch.Tensor, source: torch.Tensor, dim: int) -> torch.Tensor | None:
    kept = items if items.dim() == source.dim() else items.unsqueeze(dim) if items.dim() + 1 == source.dim() else None
    if kept is None:
        return None
    others = [(size, kept.shape[place]) for place, size in enumerate(source.shape) if place != dim]
    return kept if all(size == mine for size, mine in others) else None


# Of several in a row: whether equal neighbours stand in the order of their places, as a stable sort leaves them.
def _names_the_first(source: torch.Tensor, dim: int, wanted: torch.Tensor, values: torch.Tensor) -> bool:
    indices, named = _kept(wanted, source, dim), _kept(values, source, dim)
    if indices is None or named is None:
        return False
    length = indices.shape[dim]
    if length > 1:
        before, after = indices.narrow(dim, 0, length - 1), indices.narrow(dim, 1, length - 1)
        tied = _equal(named.narrow(dim, 0, length - 1), named.narrow(dim, 1, length - 1))
        return bool((before < after)[tied].all())
    places = torch.arange(source.shape[dim], device=source.device)
    places = places.reshape([-1 if place == dim else 1 for place in range(source.dim())]).expand(source.shape)
    first = torch.where(_equal(source, named), places, source.shape[dim]).amin(dim, keepdim=True)
    return bool((first == indices).all())


def _repeats(items: torch.Tensor, source: torch.Tensor, dim: int) -> bool:
    kept = _kept(items, source, dim)
    if kept is None or kept.shape[dim] < _PAIR:
        return False
    row = kept.sort(dim).values
    return bool((row.narrow(dim, 1, row.shape[dim] - 1) == row.narrow(dim, 0, row.shape[dim] - 1)).any())


def _same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return bool(_equal(first, second).all())


def _equal(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (first == second) | ((first != first) & (second != second))  # noqa: PLR0124
