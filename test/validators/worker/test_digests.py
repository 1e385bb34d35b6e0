"""Digests by which judge and runner compare inputs."""

from __future__ import annotations

import pytest
import torch
from curate_worker.digests import _digest_by_words
from curate_worker.tensors import Guarded, copy_of, same_bytes

BYTES = torch.randint(0, 256, (100_003,), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("place", [0, 7, 8, 50_001, 99_999, 100_002])
def test_a_change_of_one_bit_changes_the_digest(place: int) -> None:
    changed = BYTES.clone()
    changed[place] ^= 1
    assert _digest_by_words(changed) != _digest_by_words(BYTES)


def test_two_words_that_change_places_change_the_digest() -> None:
    changed = BYTES.clone()
    changed[8:16], changed[800:808] = BYTES[800:808], BYTES[8:16]
    assert _digest_by_words(changed) != _digest_by_words(BYTES)


def test_a_copy_has_the_same_digest_wherever_it_starts_in_its_memory() -> None:
    assert _digest_by_words(torch.cat([torch.zeros(8, dtype=torch.uint8), BYTES])[8:]) == _digest_by_words(BYTES)


def test_a_write_beyond_the_end_of_a_tensor_of_bytes_is_seen() -> None:
    guard = Guarded(BYTES)
    assert same_bytes(guard.blob, BYTES)
    assert guard.is_intact()
    guard.blob.as_strided((1,), (1,), guard.blob.storage_offset() + BYTES.numel()).zero_()
    assert not guard.is_intact()


@pytest.mark.parametrize("blob", [memoryview(b"abcd"), torch.tensor([97, 98, 99, 100], dtype=torch.uint8)])
def test_bytes_are_the_same_wherever_they_lie(blob: memoryview | torch.Tensor) -> None:
    assert same_bytes(blob, memoryview(bytearray(b"abcd")))
    assert same_bytes(copy_of(blob), blob)
    assert not same_bytes(blob, memoryview(bytearray(b"abce")))
    assert not same_bytes(blob, memoryview(bytearray(b"abc")))
    assert not same_bytes(blob, memoryview(b""))
