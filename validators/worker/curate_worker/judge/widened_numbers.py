"""Numbers that were rounded to whole ones and widened, as tests widen what was quantised before they compare it."""

from __future__ import annotations

import torch

from .expected import Expected
from .nudged import is_whole, wrong_whole


def is_other_rounding(values: torch.Tensor, expected: Expected, index: int) -> bool:
    """Whether each of them is what the reference says, or would say of inputs that were rounded otherwise."""
    others = [leaves[index].tensor() for leaves in expected.nudged]
    if not others or not is_whole(expected.own[index]):
        return False
    own = expected.own[index].tensor()
    return not bool(wrong_whole(values, own, [other.to(own.device, own.dtype) for other in others]).any())
