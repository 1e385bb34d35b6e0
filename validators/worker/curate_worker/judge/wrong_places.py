"""Says of wrong numbers what they have in common, which is what whoever looks for the mistake asks first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

_FEWEST, _MOST = 2, 1 << 20
_LARGEST_PART: Final = 0.5
_SAME_FACTOR: Final = 1e-2


def in_common(wrong: torch.Tensor, given: torch.Tensor, truth: torch.Tensor, own: torch.Tensor) -> str:
    """
    Of the numbers of `own` in one row, in float64, those that are wrong: where they lie, and whether each is as many
    times what it should be. Begins with a comma; empty where there is nothing to say, or this is only a piece of it.
    """
    count = int(wrong.sum())
    if not _FEWEST <= count <= _MOST or wrong.numel() != own.numel() or own.dim() == 0:
        return ""
    return _place(wrong, own.shape) + _factor(given[wrong], truth[wrong])


# Along the dimension in which they take the smallest part.
def _place(wrong: torch.Tensor, shape: Sequence[int]) -> str:
    places = np.unravel_index(wrong.nonzero().flatten().cpu().numpy(), tuple(shape))
    found = []
    for dimension, (indices, size) in enumerate(zip(places, shape, strict=True)):
        low, high = int(indices.min()), int(indices.max())
        part = (high - low + 1) / size
        if part > _LARGEST_PART:
            continue
        if low == high:
            found.append((part, f", all at index {low} of dimension {dimension}"))
        elif high == size - 1:
            found.append((part, f", all from index {low} of dimension {dimension} on"))
        else:
            found.append((part, f", all at indices {low} to {high} of dimension {dimension}"))
    return min(found, default=(0.0, ""))[1]


def _factor(given: torch.Tensor, truth: torch.Tensor) -> str:
    if not bool(given.any()):
        return ", each 0"
    factors = given / truth
    if not bool(torch.isfinite(factors).all()):
        return ""
    middle = float(factors.median())
    is_one = middle != 0 and float((factors / middle - 1).abs().max()) <= _SAME_FACTOR
    return f", each {middle:.4g} times what is expected" if is_one and f"{middle:.4g}" != "1" else ""
