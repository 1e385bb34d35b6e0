"""What programs without PyTorch have in common: they are given all of their memory, and it is looked after."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import torch

from ..tensors import Guarded, as_bytes, banded_room

_POISONS: Final = (0xFF, 0x7F)


class GivenMemory:
    """Stands where a `ModelNew` stands; who extends it says what is allocated for a call, and makes the call."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._poisons = itertools.cycle(_POISONS)
        self.state: dict[str, torch.Tensor] = {}
        """Parameters and buffers, in the order of the reference's."""
        self._made: list[torch.Tensor] = []
        self._guards: list[Guarded] = []

    def rooms(self, args: Sequence[object], kwargs: dict[str, object]) -> list[tuple[torch.dtype, list[int]]]:
        """Dtype and shape of everything that is allocated for a call."""
        raise NotImplementedError

    def prepare(self, args: Sequence[object], kwargs: dict[str, object]) -> None:
        """Allocates what the next call needs: that is our work, and no time of the candidate's."""
        poison = next(self._poisons)
        self._guards = []
        self._made = [self._room_for(shape, dtype, poison) for dtype, shape in self.rooms(args, kwargs)]

    def take(self, args: Sequence[object], kwargs: dict[str, object]) -> list[torch.Tensor]:
        """What was allocated for this call."""
        if not self._made:
            self.prepare(args, kwargs)
        made, self._made = self._made, []
        return made

    def set_state(self, state: dict[str, torch.Tensor]) -> None:
        """Sets parameters and buffers to copies of these, where they were before."""
        # Workloads may differ in the sizes of what has the same name.
        if _kinds(self.state) != _kinds(state):
            self.state = {name: torch.empty_like(item) for name, item in state.items()}
        for name, item in state.items():
            self.state[name].copy_(item)

    @property
    def num_overrun(self) -> int:
        """Tensors of the last call past whose ends it wrote."""
        return sum(not guard.is_intact() for guard in self._guards)

    def _room_for(self, shape: list[int], dtype: torch.dtype, poison: int) -> torch.Tensor:
        num_bytes = math.prod(shape) * dtype.itemsize
        if num_bytes == 0:
            return torch.empty(shape, dtype=dtype, device=self.device)
        guard = Guarded(banded_room(num_bytes, self.device))
        self._guards.append(guard)
        return as_bytes(guard.blob).fill_(poison).view(dtype).view(shape)


def _kinds(state: dict[str, torch.Tensor]) -> list[tuple]:
    return [(name, item.shape, item.dtype) for name, item in state.items()]
