"""What happens to the memory of a process whose pages are gathered."""

from __future__ import annotations

import os

from curate_worker.heap import gather_memory

NUM_BYTES = 4 << 20


def test_memory_says_the_same_in_large_pages() -> None:
    known = [bytes([number]) * NUM_BYTES for number in range(1, 5)]
    child = os.fork()
    if child == 0:
        gather_memory()
        is_same = all(text == bytes([number]) * NUM_BYTES for number, text in enumerate(known, 1))
        os._exit(0 if is_same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
