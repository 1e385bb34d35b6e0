"""
Integers that are the same for every seed, such as bounds of sequences in one tensor, in another order: a program that
knows them by heart must not pass for reading them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch.utils._pytree import tree_map

# Of fewer there are next to no orders, and they are rather sizes.
_LEAST_INTEGERS = 4


def reordered(inputs: object, places: set[int], dice_of: Callable[[torch.Tensor], torch.Generator]) -> object:
    """
    Inputs with the integers at some places, counted over all tensors, in another order. Where these are of more than
    one kind they stay: bounds and what lies within them belong together.
    """
    found = [item for place, item in enumerate(_tensors_of(inputs)) if place in places and _can_be_reordered(item)]
    if not found or any(not torch.equal(item, found[0]) for item in found):
        return inputs
    counter = itertools.count()

    def change(item: object) -> object:
        if not isinstance(item, torch.Tensor) or next(counter) not in places or not _can_be_reordered(item):
            return item
        return _reordered(item, dice_of(item))

    return tree_map(change, inputs)


def _tensors_of(inputs: object) -> list[torch.Tensor]:
    tensors: list[torch.Tensor] = []
    tree_map(lambda item: tensors.append(item) if isinstance(item, torch.Tensor) else None, inputs)
    return tensors


def _can_be_reordered(item: torch.Tensor) -> bool:
    is_integer = not (item.is_floating_point() or item.is_complex() or item.dtype == torch.bool)
    return is_integer and item.layout == torch.strided and item.dim() == 1 and item.numel() >= _LEAST_INTEGERS


# What stands in order does so afterwards: lengths of sequences change places, so that none is longer than the longest.
def _reordered(item: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    def shuffled(items: torch.Tensor) -> torch.Tensor:
        return items[torch.randperm(len(items), generator=dice).to(items.device)]

    steps = item[1:] - item[:-1]
    if bool((steps > 0).all()):
        return torch.cat([item[:1], item[0] + shuffled(steps).cumsum(0)]).to(item.dtype)
    if bool((steps >= 0).all()):
        values, counts = item.unique_consecutive(return_counts=True)
        return values.repeat_interleave(shuffled(counts))
    return shuffled(item)
