"""
Parameters and constant inputs in sizes at which they hardly count, count for more, or not at all: a scale that was
drawn once, or whose draws are alike in kind, does not show who leaves out what is below a threshold.
"""

from __future__ import annotations

import zlib
from typing import Final

import torch

from ..order import in_order_of
from .parameters import can_be_moved, is_constant

DRAWS: Final = ("faint", "ample", "absent")
_FEW: Final = 16
# What is left out shows as long as it is more than what rounding does, and half precision rounds sooner.
_FAINT, _FAINT_IN_HALVES, _BYTES_OF_FLOAT = 2.0**-8, 2.0**-4, 4
_AMPLE: Final = 1.5

Gates = dict[str, float | None]
"""Parameters that are drawn so, with what all numbers of each were when it was made; None where they differed."""


def gates_of(model: torch.nn.Module) -> Gates:
    """Parameters of few numbers, and those that say the same everywhere."""
    found: Gates = {}
    for name, item in model.named_parameters(remove_duplicate=False):
        constant = constant_of(item)
        if constant is not None or (can_be_moved(item) and 0 < item.numel() <= _FEW):
            found[name] = constant
    return found


def constant_of(item: object) -> float | None:
    """What all numbers of a tensor are; None where they are not alike, or no numbers with a fraction."""
    return float(item.flatten()[0]) if isinstance(item, torch.Tensor) and is_constant(item) else None


def drawn_state(state: dict[str, object], gates: Gates, draw: str) -> dict[str, object] | None:
    """The same state with its gates drawn; None where none of them is another."""
    others = {
        name: drawn_gate(item, constant, draw)
        for name, constant in gates.items()
        if isinstance(item := state.get(name), torch.Tensor) and can_draw(constant, draw)
    }
    return {**state, **others} if others else None


def can_draw(constant: float | None, draw: str) -> bool:
    """Whether what says this everywhere, or nothing alike, is another one when it is drawn."""
    return draw != "absent" or constant == 0.0


# What began as zero may be of either sign, and nothing; what did not stays of its sign, and something.
def drawn_gate(item: torch.Tensor, constant: float | None, draw: str) -> torch.Tensor:
    """`faint`, `ample` or `absent`."""
    if draw == "absent":
        return torch.zeros_like(item)
    dice = _dice_of(item, draw)
    size = (1 + torch.rand(item.shape, generator=dice)) * (_AMPLE if draw == "ample" else _faint(item))
    if constant == 0.0:
        size *= torch.rand(item.shape, generator=dice).round() * 2 - 1
        size.view(-1)[:1].abs_().mul_(-1 if draw == "ample" else 1)
    size = size.to(item.device, item.dtype)
    if constant is None:
        return in_order_of(item, item * size)
    return size if constant == 0.0 else constant * size


def _faint(item: torch.Tensor) -> float:
    return _FAINT if item.itemsize >= _BYTES_OF_FLOAT else _FAINT_IN_HALVES


# Equal ones stay equal: a parameter that two layers share is in a state twice.
def _dice_of(item: torch.Tensor, draw: str) -> torch.Generator:
    text = f"{draw} {tuple(item.shape)} {item.flatten()[:_FEW].tolist()} {torch.initial_seed()}"
    return torch.Generator().manual_seed(zlib.crc32(text.encode()))
