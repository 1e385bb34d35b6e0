"""
Integers and masks that are the same for every seed, such as bounds of sequences in one tensor, edges of a graph or what
is padded of each sequence, in another order: a program that knows them by heart must not pass for reading them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch.utils._pytree import tree_map

# Of fewer there are next to no orders, and they are rather sizes.
_LEAST_INTEGERS = 4
# Of more rows of a table each is left as it is, and they change places.
_MOST_ROWS = 64
_NEVER = -1e4


def reordered(inputs: object, places: set[int], dice_of: Callable[[torch.Tensor], torch.Generator]) -> object:
    """
    Inputs with what stands at some places, counted over all tensors, in another order. Where these are of more than
    one kind they stay: bounds and what lies within them belong together, and so do lengths and a mask.
    """
    given = [item for place, item in enumerate(_tensors_of(inputs)) if place in places]
    found = [item for item in given if _can_be_reordered(item) or _are_integers(item)]
    if any(item.dtype != found[0].dtype or not torch.equal(item, found[0]) for item in found):
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
    if item.layout != torch.strided or item.requires_grad or item.is_complex() or item.numel() < _LEAST_INTEGERS:
        return False
    if item.dtype == torch.bool or item.is_floating_point():
        return _is_mask(item) and not _says_one_thing(item) and (_is_of_sequences(item) or _has_no_end(item))
    return item.dim() > 0


# However few: where the levels of a pyramid begin, beside a table of their sizes.
def _are_integers(item: torch.Tensor) -> bool:
    has_integers = not (item.is_floating_point() or item.is_complex() or item.dtype == torch.bool)
    return has_integers and item.layout == torch.strided and item.numel() > 1


# Of truth values, or of zeros beside what leaves nothing of a chance.
def _is_mask(item: torch.Tensor) -> bool:
    return item.dtype == torch.bool or (item.itemsize > 1 and bool(((item == 0) | (item <= _NEVER)).all()))


def _says_one_thing(item: torch.Tensor) -> bool:
    return bool((item == item.flatten()[0]).all())


# Who may look at whom within a sequence is part of what is computed.
def _is_of_sequences(item: torch.Tensor) -> bool:
    axis = _axis_of_sequences(item)
    return axis < item.dim() - 2 or (axis == item.dim() - 2 and item.shape[-2] != item.shape[-1])


# Truth values of which neither all before a place nor all behind it are the same: they say no length.
def _has_no_end(item: torch.Tensor) -> bool:
    return item.dim() == 1 and int((item[1:] != item[:-1]).sum()) > 1


def _axis_of_sequences(item: torch.Tensor) -> int:
    return next((place for place, size in enumerate(item.shape) if size > 1), item.dim())


def _reordered(item: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    if item.dtype == torch.bool or item.is_floating_point():
        # Each sequence has the mask of another one.
        axis = _axis_of_sequences(item)
        return _shuffled(item.transpose(0, axis), dice).transpose(0, axis).contiguous()
    if item.dim() == 1:
        return _with_other_places(item, dice)
    rows = item.reshape(-1, item.shape[-1])
    if rows.shape[1] < _LEAST_INTEGERS or rows.shape[0] > _MOST_ROWS:
        # Pairs and coordinates, of which each belongs to the other.
        return _shuffled(item, dice)
    return torch.stack([_with_other_places(row, dice) for row in rows]).reshape(item.shape)


# What stands in order does so afterwards: lengths of sequences change places, so that none is longer than the longest.
def _with_other_places(item: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    steps = item[1:] - item[:-1]
    if bool((steps > 0).all()):
        return torch.cat([item[:1], item[0] + _shuffled(steps, dice).cumsum(0)]).to(item.dtype)
    if bool((steps >= 0).all()):
        values, counts = item.unique_consecutive(return_counts=True)
        return values.repeat_interleave(_shuffled(counts, dice))
    return _shuffled(item, dice)


def _shuffled(items: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    return items[torch.randperm(len(items), generator=dice).to(items.device)]
