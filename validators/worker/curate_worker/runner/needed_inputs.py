"""
Which share of arguments and parameters a reference needs: elements drawn at random are replaced by the largest and the
smallest number of their tensor, and where that changes nothing that comes out, nobody has to read them (rows of a table
that no index names, what a mask leaves out, what is multiplied by zero).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.utils._pytree import tree_leaves

from .memory import have_same_bits

_PROBES = 12
_REPETITIONS = 2
# One-sided, of every share.
_DOUBT = 0.05


def needed_shares(tensors: list[torch.Tensor], call: Callable[[], object]) -> list[float]:
    """
    By tensor, the smallest share of its elements that a call can need, at 95 %. 0 for what holds no floating-point
    numbers, and for all where the call by itself does not give the same again.
    """

    def run() -> list[torch.Tensor]:
        return [item.clone() for item in tree_leaves(call()) if isinstance(item, torch.Tensor)]

    usual = run()
    if not all(_are_same(run(), usual) for _ in range(_REPETITIONS)):
        return [0.0 for _ in tensors]
    return [_needed_share(tensor, run, usual) for tensor in tensors]


def _needed_share(tensor: torch.Tensor, run: Callable[[], list[torch.Tensor]], usual: list[torch.Tensor]) -> float:
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return 0.0
    others = [tensor.amax().clone(), tensor.amin().clone()]
    count = sum(_is_needed(tensor, others, run, usual) for _ in range(_PROBES))
    return least_share(count, _PROBES)


def least_share(count: int, probes: int) -> float:
    """The share of which as many hits or more have a chance of 5 %: the lower end of Clopper and Pearson's interval."""
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        chances = (math.comb(probes, hits) * share**hits * (1 - share) ** (probes - hits) for hits in range(count))
        low, high = (low, share) if 1 - sum(chances) > _DOUBT else (share, high)
    return low if count else 0.0


def _is_needed(
    tensor: torch.Tensor,
    others: list[torch.Tensor],
    run: Callable[[], list[torch.Tensor]],
    usual: list[torch.Tensor],
) -> bool:
    place = tuple(int(torch.randint(size, (1,))) for size in tensor.shape)
    before = tensor[place].clone()
    try:
        for other in others:
            tensor[place] = other
            if not _are_same(run(), usual):
                return True
        return False
    finally:
        tensor[place] = before


def _are_same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return len(first) == len(second) and all(map(_is_same, first, second))


# Zeros of both signs are the same, and so are NaNs of the same bits.
def _is_same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return have_same_bits(first, second) or (first.dtype == second.dtype and torch.equal(first, second))
