"""
What the reference gives, in higher precision, for inputs that are moved by less than they could be rounded. An honest
program may round as much, so it may be off by as much: a sum of a million numbers that nearly cancel is uncertain in
digits that the reference got right by luck, an index between two values that are nearly equal may be either (Higham
2002, Accuracy and Stability of Numerical Algorithms, 1.5: backward error).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import torch

from .leaves import Leaf
from .tolerance import Tolerance, is_rounded

_UNITS: Final = (1.0, 4.0)
# Two may both change a single number by next to nothing, by chance: they refused another order of adding 16 384 numbers
# in 2 of 1 200 draws, of which a verdict has a hundred and more; three in none.
_DIRECTIONS, _GATE, _DIRECTIONS_OF_WHOLE = 4, 2, 4
FURTHER: Final = 24
"""Directions that are looked into besides, where a few whole numbers are wrong."""
FURTHER_UNITS: Final = _UNITS[-1]
_FEW_NUMBERS: Final = 16
_FACTOR: Final = 16.0
# Four times as far must give about four times as much: what jumps is no rounding, but a condition that changed sides.
_LEAST_GROWTH, _MOST_GROWTH = 2.0, 8.0
_MOST_UNCERTAIN: Final = 0.5
_MOST_LOOKED_AT: Final = 10_000
_INDICES: Final = (torch.int32, torch.int64)
_WIDENED: Final = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def nudges_for(leaves: Sequence[Leaf]) -> list[tuple[int, float]]:
    """
    How to move the inputs: by direction, and by how many units of the last place of their dtype. The first ones are
    pairs, one after the other in the same direction; there are more where there are whole numbers.
    """
    kinds = [is_rounded(leaf) and not is_whole(leaf) for leaf in leaves if profits(leaf)]
    count = _DIRECTIONS if True in kinds else _GATE if kinds else 0
    pairs = [(direction, units) for direction in range(count) for units in _UNITS]
    more = range(count, count + (_DIRECTIONS_OF_WHOLE if False in kinds else 0))
    return pairs + [(direction, _UNITS[-1]) for direction in more]


def is_index(leaf: Leaf) -> bool:
    """Whether it may say which of several numbers is the smallest, or the like."""
    return leaf.descriptor is not None and leaf.tensor().dtype in _INDICES and leaf.tensor().numel() > 0


def doubtful_indices(own: Leaf, moved: Sequence[Leaf]) -> torch.Tensor | None:
    """
    Which indices half of the digits do not tell, given the same for inputs that were moved by as much; None for what is
    none. Distances are computed as |a|^2 - 2ab + |b|^2 wherever that is quick, PyTorch's `cdist` among it, and of what
    is far from zero but close together that leaves half of the digits at best (Higham 2002, 1.7: cancellation).
    """
    if not is_index(own) or not moved:
        return None
    return torch.stack([leaf.tensor() != own.tensor() for leaf in moved]).any(0)


def profits(leaf: Leaf) -> bool:
    """Whether it matters for a leaf: few numbers have no error to calibrate by, whole ones have none at all."""
    if leaf.descriptor is None:
        return leaf.is_number()
    dtype = leaf.tensor().dtype
    if not dtype.is_floating_point and not dtype.is_complex:
        return leaf.tensor().numel() > 0
    return (dtype == torch.float32 and 0 < leaf.tensor().numel() < _FEW_NUMBERS) or is_whole(leaf)


def is_whole(leaf: Leaf) -> bool:
    """Whether a leaf holds whole numbers as others do fractions, as what was quantised to eight bits and widened."""
    if leaf.descriptor is None or leaf.tensor().dtype not in _WIDENED or leaf.tensor().numel() == 0:
        return False
    values = leaf.tensor()
    return bool((values == values.trunc()).all()) and float(values.abs().max()) > 1.0


def wrong_whole(given: torch.Tensor, own: torch.Tensor, others: Sequence[torch.Tensor]) -> torch.Tensor:
    """Which of some whole numbers with a floating-point dtype are other than what the reference might have said."""
    wrong = given != own
    uncertain = torch.stack([other != own for other in others]).any(0)
    if float(uncertain.to(torch.float32).mean()) > _MOST_UNCERTAIN:
        return wrong
    return wrong & torch.stack([given != other for other in others]).all(0)


def with_uncertainty(tolerance: Tolerance, exact: Leaf, nudged: Sequence[Leaf]) -> Tolerance:
    """A tolerance for few numbers that is no smaller than what rounding the inputs does to them."""
    truth = exact.tensor().to(torch.float64)
    moved = [(leaf.tensor().to(torch.float64) - truth).abs().max() for leaf in nudged[: len(_UNITS) * _DIRECTIONS]]
    pairs = list(zip(moved[::2], moved[1::2], strict=True))
    smooth = [float(near) for near, far in pairs if _is_smooth(near, far)]
    if not pairs or not all(_is_smooth(*pair) for pair in pairs[:_GATE]):
        return tolerance
    atol = _FACTOR * max(smooth)
    size = float(truth.square().mean().sqrt())
    share = atol / size if size > 0 else 0.0
    if not math.isfinite(share):
        return tolerance
    return replace(tolerance, atol=max(tolerance.atol, atol), max_rmse=max(tolerance.max_rmse, share))


def _is_smooth(near: torch.Tensor, far: torch.Tensor) -> bool:
    return bool(_LEAST_GROWTH * near <= far <= _MOST_GROWTH * near)


def still_wrong(given: torch.Tensor, own: torch.Tensor, others: Sequence[torch.Tensor]) -> torch.Tensor:
    """Which of some whole numbers are wrong, given what else the reference might have said."""
    wrong = given != own
    uncertain = torch.zeros_like(wrong)
    for other in others:
        uncertain |= other != own
    if not bool(wrong.any()) or float(uncertain.to(torch.float32).mean()) > _MOST_UNCERTAIN:
        return wrong
    for other in others:
        wrong &= given != other
    return wrong if given.dtype == torch.bool else _not_exchanged(wrong, uncertain, (given, own, others))


# Indices of equal values may stand in any order, or for one another: what else stands at uncertain places of that row.
def _not_exchanged(wrong: torch.Tensor, uncertain: torch.Tensor, whole: tuple) -> torch.Tensor:
    given, own, others = whole
    places = (wrong & uncertain).reshape(-1, wrong.shape[-1] if wrong.dim() else 1).nonzero().tolist()
    if len(places) > _MOST_LOOKED_AT:
        return wrong
    rows = [item.reshape(-1, wrong.shape[-1] if wrong.dim() else 1) for item in (wrong, uncertain, given, own, *others)]
    for row, column in places:
        doubtful = rows[1][row]
        if bool(torch.stack([item[row][doubtful] for item in rows[3:]]).eq(rows[2][row, column]).any()):
            rows[0][row, column] = False
    return rows[0].reshape(wrong.shape)
