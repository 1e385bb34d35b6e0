"""
Tensors on a GPU cross between judge and runner through memory that both see, piece by piece, and never through the
processor's. Each side copies what it gets before it looks at it: the other may write there whenever it likes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from .tensors import Blob, banded_room, room_for

WINDOW = 5
"""The descriptor of the shared memory in a runner."""
WINDOW_BYTES = 256 << 20
"""Enough that a signal and its answer cost little beside the copy."""
WIDE_WINDOW_BYTES = 2 << 30
"""
Of programs whose tensors take gigabytes: two milliseconds a piece are much there, and what the judge's clock sees of a
call is the less steady the more pieces are announced and answered.
"""
_LARGE_BYTES = 256 << 20

Signal = Callable[[], None]


@dataclass
class _Received:
    num_on_processor: int = 0


_received = _Received()


def num_received_on_processor() -> int:
    """How many tensors of a GPU this process has taken in on the processor, which takes seconds for gigabytes."""
    return _received.num_on_processor


class Window:
    """Memory of both ends. One signal says that a piece lies in it, the answer that it was taken out."""

    def __init__(self, memory: torch.Tensor, *, gives_back: bool = False) -> None:
        """`gives_back`: what PyTorch keeps for later is given back before large tensors come in."""
        self._memory = memory
        self.gives_back = gives_back

    def send(self, blob: torch.Tensor, signal: Signal, wait: Signal) -> None:
        """Sends the bytes of a tensor."""
        for start in range(0, blob.numel(), self._memory.numel()):
            piece = blob[start : start + self._memory.numel()]
            self._memory[: piece.numel()].copy_(piece)
            settle(self._memory)
            signal()
            wait()

    def receive(self, num_bytes: int, signal: Signal, wait: Signal, room: torch.Tensor | None = None) -> Blob:
        """
        A copy of the bytes that the other end sends, in `room` if that is given; on the processor where the device has
        none for them.
        """
        blob = self._room(num_bytes) if room is None else room
        target = torch.frombuffer(blob, dtype=torch.uint8) if isinstance(blob, memoryview) else blob
        for start in range(0, num_bytes, self._memory.numel()):
            wait()
            piece = target[start : start + self._memory.numel()]
            piece.copy_(self._memory[: piece.numel()])
            settle(self._memory)
            signal()
        return blob

    def _room(self, num_bytes: int) -> Blob:
        if self.gives_back and is_large(num_bytes):
            torch.cuda.empty_cache()
        try:
            return banded_room(num_bytes, self._memory.device)
        except torch.OutOfMemoryError:
            _received.num_on_processor += 1
            return room_for(num_bytes)


# All streams: what a program left running on another one belongs to what it returned.
def settle(memory: torch.Tensor) -> None:
    """Waits until nothing that was begun in this process writes or reads there any more."""
    if memory.is_cuda:
        torch.cuda.synchronize()


def is_large(num_bytes: int) -> bool:
    """Whether to arrange for the memory of a tensor costs little beside copying it."""
    return num_bytes >= _LARGE_BYTES
