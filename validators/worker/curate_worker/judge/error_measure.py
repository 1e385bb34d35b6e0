"""How far the numbers of one tensor are from those of another, a piece of them at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

# On a processor what stays in its caches: ten passes over a piece are then faster than two over a whole tensor.
_PIECE = 1 << 18
_PIECE_ON_GPU = 1 << 24


@dataclass
class ErrorMeasure:
    """Sums over all elements of a tensor that are finite on both sides."""

    squared_error: float = 0.0
    squared_truth: float = 0.0
    count: int = 0
    largest: float = 0.0

    def add(self, values: torch.Tensor, truth: torch.Tensor) -> None:
        """Takes in one piece, in float64."""
        error, known = values - truth, truth
        lengths = _lengths(error, known)
        # No length with an infinity or NaN in it is finite.
        if not all(map(math.isfinite, lengths)):
            finite = torch.isfinite(values) & torch.isfinite(truth)
            error, known = error[finite], truth[finite]
            lengths = _lengths(error, known)
        # Not as powers, which are errors where they are too large to be numbers.
        self.squared_error += lengths[0] * lengths[0]
        self.squared_truth += lengths[1] * lengths[1]
        self.count += known.numel()
        self.largest = max(self.largest, lengths[2])

    @property
    def rms_of_truth(self) -> float:
        """Root mean square of the truth."""
        return math.sqrt(self.squared_truth / self.count) if self.count else 0.0

    @property
    def relative_rmse(self) -> float:
        """Root mean square error over the root mean square of the truth."""
        if self.squared_error == 0.0:
            return 0.0
        return math.sqrt(self.squared_error / self.squared_truth) if self.squared_truth else math.inf


# As vectors, and the largest element of the first: each is one pass over a tensor, and the processor asks once.
def _lengths(error: torch.Tensor, known: torch.Tensor) -> list[float]:
    if known.numel() == 0:
        return [0.0, 0.0, 0.0]
    length = torch.linalg.vector_norm
    # A norm would say the same, and takes a processor nine times as long.
    least, most = error.aminmax()
    return torch.stack([length(error), length(known), torch.maximum(-least, most)]).tolist()


def measure_error(values: torch.Tensor, truth: torch.Tensor) -> ErrorMeasure:
    """How far `values` are from `truth`."""
    measure = ErrorMeasure()
    for piece, true_piece in pieces(values, truth):
        measure.add(piece, true_piece)
    return measure


def flat(tensor: torch.Tensor) -> torch.Tensor:
    """All numbers of a tensor in one row; a complex number counts as two."""
    return (torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor).reshape(-1)


def pieces(*tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Tensors of one size side by side, in pieces of float64: a whole copy of a large one would not fit."""
    rows = [flat(tensor) for tensor in tensors]
    size = _PIECE_ON_GPU if rows and rows[0].is_cuda else _PIECE
    for start in range(0, rows[0].numel(), size):
        yield tuple(row[start : start + size].to(torch.float64) for row in rows)


def are_finite(*tensors: torch.Tensor) -> bool:
    """Whether all numbers are finite for certain: no sum with an infinity or NaN is."""
    return all(math.isfinite(float(tensor.sum())) for tensor in tensors)


def are_all_in(values: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether every number is one of a narrower dtype."""
    return all(bool(((piece == piece.to(dtype)) | piece.isnan()).all()) for (piece,) in pieces(values))


def chosen_from(tensor: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Those of all numbers of a tensor that are chosen, in one row."""
    row = flat(tensor)
    return _computable(row)[chosen].to(row.dtype)


# A GPU has no magnitude of a number in eight bits.
def _computable(row: torch.Tensor) -> torch.Tensor:
    return row.to(torch.float32) if row.itemsize == 1 else row


def count_faint(tensor: torch.Tensor, limit: float) -> tuple[int, int]:
    """How many numbers are not zero and up to a limit, and how many are not zero, without a second tensor as large."""
    row, counts = flat(tensor), []
    for start in range(0, row.numel(), _PIECE_ON_GPU):
        piece = row[start : start + _PIECE_ON_GPU]
        counts.append(torch.stack([are_faint(piece, limit).sum(), are_faint(piece, math.inf).sum()]))
    few, known = torch.stack(counts).sum(0).tolist() if counts else (0, 0)
    return few, known


def are_faint(tensor: torch.Tensor, limit: float) -> torch.Tensor:
    """Which numbers are not zero and up to a limit, in one row."""
    truth = _computable(flat(tensor))
    return (truth != 0) & (truth.abs() <= limit)
