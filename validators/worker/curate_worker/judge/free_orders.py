"""
Outputs whose order PyTorch leaves open, as of `topk(sorted=False)`: the reference is asked what it gives where these
come the other way round. What turns round with them may stand in any order, all of one call in the same; each number
still has to be there, once, beside those that belong to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch

from .leaves import Leaf

EVERY: Final = -1
_MOST_CALLS: Final = 4
_TEXT: Final = "topk"
_RELATIVE, _ABSOLUTE = 1e-4, 1e-6


@dataclass(frozen=True)
class FreeOrder:
    """Along which dimension one output may stand in any order, and by which call: its outputs in the same one."""

    call: int
    dim: int


Orders = list[FreeOrder | None]
"""One per leaf of an output; empty where all stand as they do."""


def may_be_free(reference: str) -> bool:
    """Whether a reference may ask for anything in any order: to look takes a call of it."""
    return _TEXT in reference


def find_orders(usual: list[Leaf], turned: Callable[[int], list[Leaf]]) -> Orders:
    """
    What of an output may stand in any order, given what the reference makes of the same inputs where one call's, or
    every call's, answer is the other way round.
    """
    if not any(_turned_dims(usual, turned(EVERY))):
        return []
    orders: Orders = [None] * len(usual)
    for call in range(_MOST_CALLS):
        for place, dim in enumerate(_turned_dims(usual, turned(call))):
            orders[place] = FreeOrder(call, dim - 1) if dim else orders[place]
    return orders if any(orders) else []


def in_order(leaves: list[Leaf], own: list[Leaf], orders: Orders) -> list[Leaf]:
    """An output, of the same structure as the reference's own, with what may stand in any order as it stands there."""
    if len(orders) != len(leaves):
        return leaves
    found = list(leaves)
    for order in {item for item in orders if item is not None}:
        places = [place for place, item in enumerate(orders) if item == order]
        moves = _moves([leaves[place] for place in places], [own[place] for place in places], order.dim)
        for place in places if moves is not None else []:
            found[place] = _moved(leaves[place], moves, order.dim)
    return found


# Per leaf the dimension along which it has turned round, from one on; zero where it has not.
def _turned_dims(usual: Sequence[Leaf], turned: Sequence[Leaf]) -> list[int]:
    if [leaf.place for leaf in usual] != [leaf.place for leaf in turned]:
        return [0] * len(usual)
    return [_turned_dim(*pair) for pair in zip(usual, turned, strict=True)]


def _turned_dim(usual: Leaf, turned: Leaf) -> int:
    if usual.descriptor is None or turned.descriptor is None or usual.descriptor.shape != turned.descriptor.shape:
        return 0
    mine, other = usual.tensor(), turned.tensor()
    if mine.is_complex() or mine.dtype != other.dtype or _are_close(mine, other):
        return 0
    return next((dim + 1 for dim in range(mine.dim()) if _are_close(mine.flip(dim), other)), 0)


def _are_close(first: torch.Tensor, second: torch.Tensor) -> bool:
    if not first.is_floating_point():
        return torch.equal(first, second)
    return torch.allclose(first.double(), second.double(), rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True)


# From where each comes, by index or, where none are given, by value; None where the others are of other sizes.
def _moves(given: list[Leaf], own: list[Leaf], dim: int) -> torch.Tensor | None:
    shape = min((leaf.tensor().shape for leaf in own), key=len)
    if any(leaf.tensor().shape[: len(shape)] != shape for leaf in own):
        return None
    keys = [place for place, leaf in enumerate(own) if leaf.tensor().shape == shape]
    indices = next((place for place in keys if not own[place].tensor().is_floating_point()), None)
    values = next((place for place in keys if own[place].tensor().is_floating_point()), None)
    rows = [[leaf.tensor().movedim(dim, -1) for leaf in leaves] for leaves in (given, own)]
    by_value = [None if values is None else row[values].double() for row in rows]
    if indices is None:
        ranks = [None if item is None else item.argsort(dim=-1) for item in by_value]
    else:
        ranks = _by_index(*(row[indices].long() for row in rows), by_value)
    if ranks[0] is None or ranks[1] is None:
        return None
    return ranks[0].gather(-1, ranks[1].argsort(dim=-1)).movedim(-1, dim)


# Those that only one side names stand last, by their values: of equal ones either may be named.
def _by_index(given: torch.Tensor, own: torch.Tensor, by_value: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
    ranks: list[torch.Tensor | None] = []
    for mine, other, values in ((given, own, by_value[0]), (own, given, by_value[1])):
        ordered = other.sort(-1).values
        places = torch.searchsorted(ordered.contiguous(), mine.contiguous()).clamp(max=max(0, mine.shape[-1] - 1))
        is_common = ordered.gather(-1, places) == mine
        keys = torch.where(is_common, mine, torch.iinfo(torch.int64).max)
        first = values.argsort(dim=-1, stable=True) if values is not None else keys.argsort(dim=-1, stable=True)
        ranks.append(first.gather(-1, keys.gather(-1, first).argsort(dim=-1, stable=True)))
    return ranks


def _moved(leaf: Leaf, moves: torch.Tensor, dim: int) -> Leaf:
    values = leaf.tensor()
    places = moves.reshape([*moves.shape, *(1 for _ in values.shape[moves.dim() :])]).expand(values.shape)
    ordered = values.gather(dim, places).contiguous()
    descriptor = None if leaf.descriptor is None else replace(leaf.descriptor, strides=tuple(ordered.stride()))
    return Leaf(leaf.place, descriptor, ordered.reshape(-1).view(torch.uint8), _moved=[ordered])
