"""A chain of calls: which input is next, as both sides compute it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from .values import Parcel


@dataclass(frozen=True)
class Chain:
    """Calls in a row on as many inputs."""

    nonce: str
    count: int
    number: int
    """Of the round."""

    def body(self) -> dict:
        """As it is sent."""
        return {"nonce": self.nonce, "count": self.count, "number": self.number}

    def next(self, before: Parcel | None, link: int) -> int:
        """The input of a link, given the output of the one before."""
        value = zlib.crc32(f"{self.nonce} {self.number} {link}".encode())
        for blob in [] if before is None else before.blobs:
            value = zlib.crc32(blob.cpu().numpy() if isinstance(blob, torch.Tensor) else blob, value)
        return value % self.count


def followed(chain: Chain, outputs: Sequence[Parcel]) -> Iterator[int]:
    """The inputs that must have led to outputs."""
    for link in range(len(outputs)):
        yield chain.next(outputs[link - 1] if link else None, link)
