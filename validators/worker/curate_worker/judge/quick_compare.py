"""
Tells of an output that is right that it is, in a fifth of the passes over its memory. Of gigabytes on a GPU the passes
are all that comparing costs; float64, element by element and with the processor asked after every piece, takes 200.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch

from .tolerance import Tolerance

# Smaller ones would stay in the cache of a GPU, but take longer to launch than to look at.
_PIECE: Final = 1 << 25
# Differences and sums are rounded to float32 here, and whoever is that close to a limit is looked at exactly.
_MARGIN: Final = 1e-3
# Squares of numbers outside would be lost.
_LEAST_RMS, _MOST_RMS = 1e-12, 1e12


@dataclass(frozen=True)
class QuickErrors:
    """Errors of an output that is right for certain."""

    largest: float
    largest_relative: float
    relative_rmse: float


def quickly_right(values: torch.Tensor, truth: torch.Tensor, tolerance: Tolerance) -> QuickErrors | None:
    """
    The errors of an output, of which every element lies within a tolerance, and all together within its other limits;
    None where that is not so, or where it takes more than float32 to tell.
    """
    if values.dtype != torch.float32 or truth.dtype not in (torch.float32, torch.float64):
        return None
    if values.shape != truth.shape or values.numel() == 0:
        return None
    pieces = _pieces(values.reshape(-1), truth.reshape(-1))
    if _are_equal(pieces):
        return QuickErrors(0.0, 0.0, 0.0)
    return None if tolerance.faint is not None else _errors_within(pieces, tolerance)


def _errors_within(pieces: list[list[torch.Tensor]], tolerance: Tolerance) -> QuickErrors | None:
    largest, error, size = torch.stack([_sizes(*piece) for piece in pieces]).to(torch.float64).unbind(1)
    squares = float(error.square().sum()), float(size.square().sum())
    count = sum(given.numel() for given, _ in pieces)
    rms = math.sqrt(squares[1] / count) if math.isfinite(squares[1]) else math.inf
    # NaN is in no interval.
    if not _LEAST_RMS <= rms <= _MOST_RMS:
        return None
    most, rmse = float(largest.max()), math.sqrt(squares[0] / squares[1])
    is_close = most <= (1 - _MARGIN) * tolerance.atol or _largest_excess(pieces, tolerance) <= 1 - _MARGIN
    if not is_close or not rmse <= (1 - _MARGIN) * tolerance.max_rmse:
        return None
    return QuickErrors(most, _largest_relative(pieces), rmse)


# Of NaN nobody is. The first piece that is not ends it, so that it costs little of an output that is rounded otherwise.
def _are_equal(pieces: list[list[torch.Tensor]]) -> bool:
    return all(given.dtype == truth.dtype and torch.equal(given, truth) for given, truth in pieces)


# Of errors as shares of what is allowed, element by element.
def _largest_excess(pieces: list[list[torch.Tensor]], tolerance: Tolerance) -> float:
    found = []
    for given, truth in pieces:
        allowed = truth.abs().mul_(tolerance.rtol).add_(tolerance.atol)
        found.append((given.to(truth.dtype) - truth).div_(allowed).abs_().max())
    return float(torch.stack(found).max())


def _largest_relative(pieces: list[list[torch.Tensor]]) -> float:
    close = float(torch.stack([_share_of_truth(*piece) for piece in pieces]).max())
    # Of numbers as close as that, either is the larger one as far as anybody can tell.
    return close if close <= _MARGIN else float(torch.stack([_largest_share(*piece) for piece in pieces]).max())


def _pieces(*rows: torch.Tensor) -> list[list[torch.Tensor]]:
    return [[row[start : start + _PIECE] for row in rows] for start in range(0, len(rows[0]), _PIECE)]


# Largest error, and lengths of error and truth as vectors. What is not finite in either makes the first not finite.
def _sizes(given: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    error = given.to(truth.dtype) - truth
    length = torch.linalg.vector_norm
    return torch.stack([length(error, math.inf), length(error), length(truth)])


# Infinite, or not a number, where the truth is zero.
def _share_of_truth(given: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm((given.to(truth.dtype) - truth).div_(truth), math.inf)


# Of errors in the larger of both numbers; two zeros do not differ at all.
def _largest_share(given: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    magnitude = torch.maximum(given.abs(), truth.abs()).clamp_(min=_least(truth.dtype))
    return (given.to(truth.dtype) - truth).abs_().div_(magnitude).max()


def _least(dtype: torch.dtype) -> float:
    return torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
