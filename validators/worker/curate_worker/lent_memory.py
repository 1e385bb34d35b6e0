"""
Memory of the judge's that a runner is lent: tensors of gigabytes are copied there once, where the window takes two
copies. A chunk has a number, by which it is spoken of from then on; its descriptor crosses when it is lent first. One
runner leaves its answers there, for the judge to keep; another one finds its inputs there, and says when it has let go.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import torch

from .gpu_memory import GpuMemory
from .tensors import banded, with_bands
from .window import settle


class SharedMemory(Protocol):
    """Memory that two processes see."""

    bytes: torch.Tensor

    def export(self) -> int:
        """A descriptor that stands for it; the caller closes it."""
        ...

    def loan(self, num_bytes: int, returned: Callable[[], None]) -> torch.Tensor:
        """Its first bytes in a storage of their own; `returned` is called when nothing refers to that any more."""
        ...

    def close(self) -> None:
        """Unmaps it."""
        ...


class LentMemory:
    """What a runner was lent, by number."""

    def __init__(self, opened: Callable[[int, int], SharedMemory] = GpuMemory.of_descriptor) -> None:
        """`opened` maps what a descriptor stands for, which is of so many bytes."""
        self._opened = opened
        self._chunks: dict[int, SharedMemory] = {}
        self._let_go: list[int] = []

    def take_in(self, number: int, num_bytes: int, descriptor: int) -> bool:
        """Maps a chunk; whether that could be done."""
        try:
            # What PyTorch kept for tensors that lie here from now on.
            torch.cuda.empty_cache()
            self._chunks[number] = self._opened(descriptor, num_bytes)
        except (OSError, RuntimeError, AssertionError):
            return False
        finally:
            os.close(descriptor)
        return True

    def fill(self, number: int, blob: torch.Tensor) -> None:
        """Leaves the bytes of a tensor in a chunk, which is the judge's again then."""
        memory = self._chunks[number].bytes
        memory[: blob.numel()].copy_(blob)
        settle(memory)

    def blob(self, number: int, num_bytes: int) -> torch.Tensor:
        """The tensor that the judge put into a chunk, itself, between bands."""
        return banded(self._chunks[number].loan(with_bands(num_bytes), partial(self._let_go.append, number)))

    def take_let_go(self) -> list[int]:
        """Numbers of chunks in which no tensor is left, nor a view of one, and which nothing uses any more."""
        numbers = self._let_go.copy()
        try:
            for number in numbers:
                settle(self._chunks[number].bytes)
        except RuntimeError:
            # The device answers with an error that is for the program to tell.
            return []
        # Others may have come to it meanwhile, from whatever thread.
        del self._let_go[: len(numbers)]
        return numbers

    def forget(self, numbers: Iterable[int]) -> None:
        """Unmaps chunks that are lent no more: their memory is free when both ends have done so."""
        for number in numbers:
            # Where the device answers with an error, that is for the program to tell.
            with contextlib.suppress(OSError, RuntimeError):
                self._chunks.pop(number).close()
