"""
Launches of which everything that they wrote is other numbers afterwards: who only looks whether his kernels ran sees
nothing of it, and who computes with what they wrote is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import torch

# What they are given is copied, beside what a call takes itself.
_MOST_BYTES: Final = 256 << 20
# Other factors for every second number: what follows may take neither scale nor shift for a difference.
_FACTORS: Final = ((1.5, 1.0), (0.25, 3.0))


def altered(launch: Callable[..., object], arguments: tuple, options: dict) -> int:
    """Launches, and alters every number that was written; gives how many tensors these are in."""
    given = list(tensors_in((arguments, tuple(options.values()))))
    if sum(item.nbytes for item in given) > _MOST_BYTES:
        # What is not written at all is other numbers as well.
        return 1
    before = [item.clone() for item in given]
    launch(*arguments, **options)
    written = [item for item, known in zip(given, before, strict=True) if not have_same_numbers(item, known)]
    for item in written:
        _alter(item)
    return len(written)


def tensors_in(value: object) -> Iterator[torch.Tensor]:
    """Tensors among arguments, and those that descriptors of Triton are of."""
    item = getattr(value, "base", value) if not isinstance(value, (torch.Tensor, list, tuple)) else value
    if isinstance(item, torch.Tensor):
        yield item
    elif isinstance(item, (list, tuple)):
        for part in item:
            yield from tensors_in(part)


def have_same_numbers(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether they say the same; NaN is what NaN is."""
    if first.itemsize == 1 and first.is_floating_point():
        # Of eight bits PyTorch compares none.
        first, second = first.to(torch.float32), second.to(torch.float32)
    return bool(((first == second) | ((first != first) & (second != second))).all())  # noqa: PLR0124


def _alter(item: torch.Tensor) -> None:
    if item.dtype == torch.bool:
        item.logical_not_()
    elif not item.is_floating_point():
        item.add_(1)
    else:
        values = item.detach().to(torch.float32)
        is_odd = torch.arange(item.numel(), device=item.device).reshape(item.shape) % 2 == 1
        even, odd = (values * factor + shift for factor, shift in _FACTORS)
        item.detach().copy_(torch.where(is_odd, odd, even).to(item.dtype))
