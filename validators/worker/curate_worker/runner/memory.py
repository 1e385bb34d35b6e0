"""Where tensors lie, and whether they are what they were."""

from __future__ import annotations

from collections.abc import Sequence

import torch

Place = tuple[int, int]
"""First address of a piece of memory, and the first behind it."""


def memory_of(tensor: torch.Tensor) -> Place:
    """All of the memory that a tensor is a view of."""
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.data_ptr() + storage.nbytes()


def shared_places(first: Sequence[Place], second: Sequence[Place]) -> list[tuple[int, int]]:
    """Pairs of numbers of places that overlap."""
    return [
        (number, index)
        for number, mine in enumerate(first)
        for index, other in enumerate(second)
        if mine[0] < other[1] and other[0] < mine[1]
    ]


def have_twins(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether two of some tensors, of more than one element, are the same memory in the same order."""
    places = [(item.data_ptr(), item.dtype, item.shape, item.stride()) for item in tensors if item.numel() > 1]
    return len(set(places)) < len(places)


def have_same_bits(first: torch.Tensor, second: object) -> bool:
    """Whether two tensors are the same, a NaN as well."""
    if not isinstance(second, torch.Tensor) or first.shape != second.shape or first.dtype != second.dtype:
        return False
    rows = [tensor.detach().contiguous().reshape(-1).view(torch.uint8) for tensor in (first, second)]
    return torch.equal(*rows)
