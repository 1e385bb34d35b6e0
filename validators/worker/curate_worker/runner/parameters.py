"""Parameters that every element of says the same: a program that leaves them out must not pass for that."""

from __future__ import annotations

import torch

_SHARE = 0.25
# PyTorch does not compute with numbers of a byte.
_LEAST_BYTES = 2
# BatchNorm's running statistics, which are parameters in all but name.
_STATISTICS = ("running_mean", "running_var")


def redraw_constants(model: torch.nn.Module) -> None:
    """
    Moves the elements of constant parameters apart: ones to [1, 1.5], zeros to [0, 0.25], so that signs stay as they
    are. Draws from the generator that was seeded for the model.
    """
    statistics = [(name, item) for name, item in model.named_buffers() if name.rpartition(".")[2] in _STATISTICS]
    with torch.no_grad():
        for _, item in [*model.named_parameters(), *statistics]:
            if is_constant(item):
                move_apart(item)


def move_apart(item: torch.Tensor, dice: torch.Generator | None = None) -> torch.Tensor:
    """Moves the elements of a tensor apart in place, away from zero."""
    noise = torch.rand(item.shape, generator=dice).to(item.device, item.dtype)
    return item.add_((item.sign() + (item == 0)) * noise * _SHARE * (1 + item.abs()))


def can_be_moved(item: torch.Tensor) -> bool:
    """Whether a tensor holds numbers with a fraction that PyTorch computes with."""
    return item.is_floating_point() and item.itemsize >= _LEAST_BYTES and item.layout == torch.strided


def is_constant(item: torch.Tensor) -> bool:
    """Whether a tensor of numbers with a fraction says the same everywhere."""
    if not can_be_moved(item) or item.numel() == 0:
        return False
    first = item.flatten()[0]
    return bool(torch.isfinite(first)) and bool((item == first).all())
