"""How judge and runner compare inputs without sending them back."""

from __future__ import annotations

import zlib

from .values import Parcel


def digest_of(blob: memoryview) -> str:
    """
    Digest of the bytes of one tensor. A checksum: five times as fast as a cryptographic hash, and whoever wanted to
    forge it sits in the process that computes it anyway.
    """
    return f"{zlib.crc32(blob):08x}"


def digests_of(parcel: Parcel) -> list[str]:
    """Digests of all tensors of a value, in order."""
    return [digest_of(blob) for blob in parcel.blobs]
