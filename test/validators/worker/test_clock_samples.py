"""Whether an answer was there too early is asked of parts of a large one, and of all of a small one."""

from __future__ import annotations

import torch
from curate_worker.runner.clock import samples_of

LARGE = 1 << 21


def test_a_small_tensor_is_looked_at_as_a_whole() -> None:
    tensor = torch.arange(1000.0)
    assert [part.data_ptr() for part in samples_of(tensor)] == [tensor.data_ptr()]


def test_a_large_tensor_is_looked_at_in_parts_that_lie_in_its_memory_at_other_places_each_time() -> None:
    tensor = torch.arange(LARGE, dtype=torch.int32).reshape(1 << 10, 1 << 11).t()
    first, second = samples_of(tensor), samples_of(tensor)
    assert [part.numel() for part in first] == [16_384] * 64
    assert [int(part[0]) for part in first] != [int(part[0]) for part in second]
    for part in first:
        offset = (part.data_ptr() - tensor.data_ptr()) // 4
        assert int(part[-1]) == offset + 16_383 < LARGE


def test_what_has_gaps_in_its_memory_is_looked_at_as_a_whole() -> None:
    tensor = torch.zeros(LARGE, 2)[:, 0]
    assert [part.shape for part in samples_of(tensor)] == [tensor.shape]
