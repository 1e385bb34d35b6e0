"""
Memory that a program asks PyTorch for, filled with what is no honest result and put between two bands. Whoever relies
on what memory held before, such as the zeros of a fresh page, is wrong here; who writes past its end leaves a mark.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ..tensors import Guarded, as_bytes, banded_room
from .poisoned_heap import poison_heap
from .uncompiled import Uncompiled

_POISONS: Final = (0xFF, 0x7F)
_LARGEST: Final = 256 << 20
_aten: Final = torch.ops.aten
_ALLOCATING: Final = {
    _aten.empty.memory_format,
    _aten.empty_like.default,
    _aten.empty_strided.default,
    _aten.new_empty.default,
    _aten.new_empty_strided.default,
}


class PoisonedMemory(Uncompiled, TorchDispatchMode):
    """While it is entered, tensors of the processor and of GPUs that are allocated without a value are poisoned."""

    def __init__(self) -> None:
        super().__init__()
        self._guards: list[Guarded] = []
        self._poisons = itertools.cycle(_POISONS)

    def __enter__(self) -> PoisonedMemory:
        poison_heap(is_on=True)
        super().__enter__()
        return self

    def __exit__(self, *what: object) -> None:
        super().__exit__(*what)
        poison_heap(is_on=False)

    def __torch_dispatch__(
        self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        result = function(*args, **(kwargs or {}))
        return self._poisoned(result) if function in _ALLOCATING else result

    @property
    def num_overrun(self) -> int:
        """How many tensors were written past one of their ends."""
        return sum(not guard.is_intact() for guard in self._guards)

    def _poisoned(self, tensor: torch.Tensor) -> torch.Tensor:
        size = tensor.untyped_storage().nbytes()
        if type(tensor) is not torch.Tensor or tensor.layout != torch.strided or tensor.is_pinned():
            return tensor
        if not 0 < size <= _LARGEST or tensor.device.type not in ("cpu", "cuda"):
            return tensor
        room = banded_room(size, tensor.device)
        room.fill_(next(self._poisons))
        guard = Guarded(room)
        self._guards.append(guard)
        return as_bytes(guard.blob).view(tensor.dtype).as_strided(tensor.shape, tensor.stride())
