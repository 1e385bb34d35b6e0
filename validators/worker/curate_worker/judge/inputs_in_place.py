"""
Large inputs that a runner uses where the judge put them. The judge never reads there again: what it compares with, it
has in memory of its own. The runner says what it has let go; if it lies, it is given inputs that are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..tensors import Blob, inside_bands, with_bands
from ..window import is_large, settle
from .lending import Chunk, Lender

# Of what is sent, in whole pages: a program that never lets go of its inputs keeps copies of its own soon.
_MOST_HELD = 2.5


class InputsInPlace(Lender):
    """Memory for what one runner is sent."""

    def give(self, blobs: Sequence[Blob]) -> dict[int, int]:
        """Copies large tensors there, as far as there is room; the numbers of their memory, by place among `blobs`."""
        tensors = {index: blob for index, blob in enumerate(blobs) if isinstance(blob, torch.Tensor)}
        large = {index: blob for index, blob in tensors.items() if is_large(blob.numel())}
        most = _MOST_HELD * sum(with_bands(blob.numel()) for blob in large.values())
        given: dict[int, Chunk] = {}
        for index, blob in large.items():
            chunk = self._room(with_bands(blob.numel()), most)
            if chunk is not None:
                inside_bands(chunk.memory.bytes[: with_bands(blob.numel())]).copy_(blob)
                chunk.is_used = True
                given[index] = chunk
        for chunk in given.values():
            settle(chunk.memory.bytes)
        return {index: chunk.number for index, chunk in given.items()}

    def take_back(self, numbers: Sequence[int]) -> bool:
        """Takes back what the runner says it has let go; whether it had all of that."""
        for number in numbers:
            chunk = self._chunks.get(number)
            if chunk is None or not chunk.is_used:
                return False
            chunk.is_used = False
        return True

    def close(self) -> None:
        """Gives all of it back; the runner is asked for nothing more."""
        for chunk in list(self._chunks.values()):
            self._drop(chunk)

    def _room(self, num_bytes: int, most: float) -> Chunk | None:
        if self.num_bytes - self.num_unused_bytes + num_bytes > most:
            return None
        if not self._fitting(num_bytes):
            # The inputs of another workload: those of one are all of the same sizes.
            self.give_back()
        return self._lent_chunk(num_bytes)
