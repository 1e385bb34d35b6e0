"""Some rows of a call stand for all of them."""

from __future__ import annotations

import torch
from curate_worker.judge.sampled_rows import Rows, rows_for
from curate_worker.values import Parcel, pack


def _rows(total: int, seed: int) -> Rows | None:
    parcel: Parcel = pack(torch.zeros(total, 3))
    return rows_for(parcel, parcel, seed)


def test_rows_begin_where_rows_of_odd_length_begin_at_whole_cache_lines() -> None:
    found = [_rows(4096, seed) for seed in range(1, 10**6, 9973)]
    assert {(rows.count, rows.first * 3 * 4 % 128) for rows in found if rows is not None} == {(512, 0)}
    firsts = [rows.first for rows in found if rows is not None]
    assert len(firsts) == len(found) and len({*firsts}) > len("a few")
    assert max(firsts) + found[0].count <= found[0].total


def test_of_few_rows_the_first_are_taken_and_of_fewer_none() -> None:
    assert (_rows(64, 12345), _rows(15, 12345)) == (Rows(64, 0, 8), None)
