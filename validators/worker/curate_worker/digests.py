"""How judge and runner compare inputs without sending them back."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch

from .tensors import Blob, TensorDescriptor, as_bytes, bytes_of, stays_on_gpu, tensor_of
from .values import Parcel

ODD: Final = 0x9E3779B97F4A7C15 - (1 << 64)
"""What places of words are multiplied by: 2 ** 64 over the golden ratio."""
_COLUMNS = 1 << 14
_WORD = 8

SumOfWords = Callable[[torch.Tensor], torch.Tensor]


# Each word times an odd number of its own, 2 * ODD * place + 1, so that a change of one word and most exchanges of two
# change the sum. The number is made of one for the row and one for the column of a table: two sums need no memory
# beside gigabytes.
def sum_of_words(words: torch.Tensor) -> torch.Tensor:
    """A sum of 64-bit words that tells their order as well."""
    in_table = words.numel() // _COLUMNS * _COLUMNS
    total = torch.zeros((), dtype=torch.int64, device=words.device)
    for start, table in ((0, words[:in_table].view(-1, _COLUMNS)), (in_table, words[in_table:].view(1, -1))):
        by_row, by_column = table.sum(1), table.sum(0)
        total += (by_row * _places(by_row)).sum() * (2 * _COLUMNS) * ODD
        total += (by_column * (2 * (_places(by_column) + start) * ODD + 1)).sum()
    return total


def digest_of(descriptor: TensorDescriptor, blob: Blob, summed: SumOfWords = sum_of_words) -> str:
    """
    Digest of the bytes of one tensor, of another kind for those that stay on the GPU. A checksum: five times as fast as
    a cryptographic hash, and whoever wanted to forge it sits in the process that computes it anyway.
    """
    if blob.nbytes and stays_on_gpu(descriptor):
        return _digest_by_words(as_bytes(blob), summed)
    return _checksum(blob)


def digests_of(parcel: Parcel, summed: SumOfWords = sum_of_words) -> list[str]:
    """Digests of all tensors of a value, in order."""
    return [digest_of(*pair, summed) for pair in zip(parcel.tensors, parcel.blobs, strict=True)]


def digests_of_numbers(parcel: Parcel, summed: SumOfWords = sum_of_words) -> list[str]:
    """The same, but for what lies between the numbers of tensors that are not dense, which nobody wrote."""
    return [digest_of(*_without_gaps(*pair), summed) for pair in zip(parcel.tensors, parcel.blobs, strict=True)]


def digest_of_numbers(tensor: torch.Tensor) -> str:
    """Digest of the numbers of a tensor on the processor."""
    dense = tensor.contiguous()
    return _checksum(bytes_of(dense, dense.numel()))


def _without_gaps(descriptor: TensorDescriptor, blob: Blob) -> tuple[TensorDescriptor, Blob]:
    if descriptor.span <= math.prod(descriptor.shape):
        return descriptor, blob
    dense = tensor_of(descriptor, blob).contiguous()
    return replace(descriptor, strides=tuple(dense.stride())), bytes_of(dense, dense.numel())


def _digest_by_words(blob: torch.Tensor, summed: SumOfWords = sum_of_words) -> str:
    whole = blob.numel() // _WORD * _WORD
    total = summed(blob[:whole].view(torch.int64))
    return f"{int(total) & 0xFFFFFFFFFFFFFFFF:016x}{_checksum(blob[whole:])}"


def _places(row: torch.Tensor) -> torch.Tensor:
    return torch.arange(row.numel(), device=row.device)


def _checksum(blob: Blob) -> str:
    on_processor = memoryview(blob.cpu().numpy()) if isinstance(blob, torch.Tensor) else blob
    return f"{zlib.crc32(on_processor):08x}"
