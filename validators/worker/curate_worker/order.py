"""What stands in order and is to stay so."""

from __future__ import annotations

from typing import Final

import torch

# Two are in order by chance.
_LEAST_IN_ORDER: Final = 3


def in_order_of(known: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """
    Numbers that were moved, in order again where they stood in order: boundaries are searched in halves, and of
    boundaries in disorder nobody knows what comes out.
    """
    if known.dim() == 0 or known.shape[-1] < _LEAST_IN_ORDER:
        return moved
    steps = known[..., 1:] - known[..., :-1]
    if bool((steps >= 0).all()) or bool((steps <= 0).all()):
        return moved.sort(-1, descending=bool((steps <= 0).all())).values
    return moved
