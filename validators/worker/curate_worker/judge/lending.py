"""Memory that the judge lends to one runner (lent_memory.py), from its allocation to its return to the driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..lent_memory import SharedMemory
from ..window import settle

# Of what is asked for: memory that is larger is better given back.
_MOST_TOO_LARGE = 1.25


@dataclass
class Chunk:
    """One piece of it."""

    number: int
    memory: SharedMemory
    is_lent: bool = False
    """Whether the runner knows it."""
    is_used: bool = False
    """Whether a tensor lies there, or what is left of one."""

    @property
    def num_bytes(self) -> int:
        """Its size."""
        return self.memory.bytes.numel()


class Lender:
    """All that one runner was lent; who extends it says what for, and what is used."""

    def __init__(self, allocate: Callable[[int], SharedMemory], lend: Callable[[int, SharedMemory], bool]) -> None:
        """`lend` makes memory known to the runner, by its number; whether it can see it then."""
        self._allocate = allocate
        self._lend = lend
        self._chunks: dict[int, Chunk] = {}
        self._count = 0
        self._let_go: list[int] = []
        self._is_refused = self._is_full = False

    @property
    def num_bytes(self) -> int:
        """Of all that it holds."""
        return sum(chunk.num_bytes for chunk in self._chunks.values())

    @property
    def num_unused_bytes(self) -> int:
        """Of what is kept for later."""
        return sum(chunk.num_bytes for chunk in self._unused())

    def take_let_go(self) -> list[int]:
        """Numbers that the runner is to be told are lent no more."""
        told, self._let_go = self._let_go, []
        return told

    def give_back(self) -> None:
        """Gives what is kept for later to others; it is free when the runner has been told."""
        for chunk in self._unused():
            self._drop(chunk)
            if chunk.is_lent:
                self._let_go.append(chunk.number)

    def close(self) -> None:
        """Gives all of it back; the runner is asked for nothing more."""
        raise NotImplementedError

    def _chunk(self, num_bytes: int) -> Chunk | None:
        fitting = self._fitting(num_bytes)
        chunk = min(fitting, key=lambda item: item.num_bytes) if fitting else self._new_chunk(num_bytes)
        if chunk is not None:
            # What was begun there may go on: to empty it, or with a tensor that is gone.
            settle(chunk.memory.bytes)
        return chunk

    def _fitting(self, num_bytes: int) -> list[Chunk]:
        most = _MOST_TOO_LARGE * num_bytes
        return [chunk for chunk in self._unused() if num_bytes <= chunk.num_bytes <= most]

    # One that the runner knows.
    def _lent_chunk(self, num_bytes: int) -> Chunk | None:
        chunk = None if self._is_refused else self._chunk(num_bytes)
        if chunk is None or chunk.is_lent:
            return chunk
        chunk.is_lent = self._lend(chunk.number, chunk.memory)
        if chunk.is_lent:
            return chunk
        self._is_refused = True
        self.give_back()
        return None

    def _new_chunk(self, num_bytes: int) -> Chunk | None:
        if self._is_full:
            return None
        try:
            memory = self._allocated(num_bytes)
        except (OSError, torch.OutOfMemoryError):
            self._is_full = True
            return None
        self._count += 1
        chunk = Chunk(self._count, memory)
        self._chunks[chunk.number] = chunk
        return chunk

    def _allocated(self, num_bytes: int) -> SharedMemory:
        try:
            return self._allocate(num_bytes)
        except (OSError, torch.OutOfMemoryError):
            self.give_back()
            torch.cuda.empty_cache()
            return self._allocate(num_bytes)

    def _unused(self) -> list[Chunk]:
        return [chunk for chunk in list(self._chunks.values()) if not chunk.is_used]

    # Whoever takes it out closes it, and nobody else.
    def _drop(self, chunk: Chunk) -> None:
        if self._chunks.pop(chunk.number, None) is not None:
            chunk.memory.close()
