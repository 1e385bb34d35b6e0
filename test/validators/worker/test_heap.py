"""What happens to the memory of a process whose pages are gathered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from curate_worker.heap import gather_memory

NUM_BYTES, LARGE_PAGE = 8 << 20, 2 << 20
SMALL, OTHER = 1, 2


def test_memory_lies_in_large_pages_afterwards_and_says_the_same() -> None:
    known = [bytes([number]) * NUM_BYTES for number in range(1, 5)]
    child = os.fork()
    if child == 0:
        gather_memory()
        is_same = all(text == bytes([number]) * NUM_BYTES for number, text in enumerate(known, 1))
        is_large = bytes_in_large_pages() >= len(known) * (NUM_BYTES - LARGE_PAGE)
        os._exit(0 if is_same and is_large else SMALL if is_same else OTHER)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status != OTHER
    if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (6, 1):
        pytest.skip("this kernel puts no memory into large pages when it is asked to")
    assert status == 0


def bytes_in_large_pages() -> int:
    rows = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) << 10 for row in rows if row.startswith("AnonHugePages:"))
