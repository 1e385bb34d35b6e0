"""
Tensors of the judge's that lie where a runner left them. Their memory is lent again when none of them is left, nor a
view of one: what was compared with a tensor in the same memory would be compared with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from ..lent_memory import SharedMemory
from .lending import Chunk, Lender


class RestingTensors(Lender):
    """Memory for what one runner answers."""

    def __init__(self, allocate: Callable[[int], SharedMemory], lend: Callable[[int, SharedMemory], bool]) -> None:
        """As of all that is lent."""
        super().__init__(allocate, lend)
        self._is_closed = False

    def room(self, num_bytes: int) -> torch.Tensor | None:
        """Memory for a tensor that the judge fills by itself; None where there is none."""
        chunk = self._chunk(num_bytes)
        return None if chunk is None else self._loan(chunk, num_bytes)

    def place(self, num_bytes: int) -> tuple[int, torch.Tensor] | None:
        """Memory for a tensor that the runner fills, and its number; None where there is none."""
        chunk = self._lent_chunk(num_bytes)
        return None if chunk is None else (chunk.number, self._loan(chunk, num_bytes))

    def close(self) -> None:
        """Gives all of it back, now or when the last tensor there is gone; the runner is asked for nothing more."""
        self._is_closed = True
        for chunk in self._unused():
            self._drop(chunk)

    def _loan(self, chunk: Chunk, num_bytes: int) -> torch.Tensor:
        chunk.is_used = True
        return chunk.memory.loan(num_bytes, partial(self._returned, chunk))

    # Called wherever the last reference ends, in any thread.
    def _returned(self, chunk: Chunk) -> None:
        chunk.is_used = False
        if self._is_closed:
            self._drop(chunk)
