"""A chain of calls: which input is next, as both sides compute it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from .values import Parcel


@dataclass(frozen=True)
class Chain:
    """Calls in a row on as many inputs, each of which comes once: nothing is gained by remembering answers."""

    nonce: str
    count: int
    number: int
    """Of the round."""

    def body(self) -> dict:
        """As it is sent."""
        return {"nonce": self.nonce, "count": self.count, "number": self.number}

    def places(self) -> list[int]:
        """All inputs, for `take`."""
        return list(range(self.count))

    def take(self, before: Parcel | None, left: list[int]) -> int:
        """Takes the next input from those that are left, given the output of the one before."""
        value = zlib.crc32(f"{self.nonce} {self.number} {len(left)}".encode())
        for blob in [] if before is None else before.blobs:
            value = zlib.crc32(blob.cpu().numpy() if isinstance(blob, torch.Tensor) else blob, value)
        return left.pop(value % len(left))


def followed(chain: Chain, outputs: Sequence[Parcel]) -> Iterator[int]:
    """The inputs that must have led to outputs."""
    left = chain.places()
    for link in range(len(outputs)):
        yield chain.take(outputs[link - 1] if link else None, left)
