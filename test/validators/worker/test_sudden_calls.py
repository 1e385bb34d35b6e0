"""Who computes before it is called is found where only some calls show it, and no honest one is taken for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest
from curate_worker.judge import sudden_calls
from curate_worker.judge.faults import Verdict
from curate_worker.judge.sudden_calls import require_no_head_start

# Nanoseconds of a call and of waiting, where inputs have lain there and where they have just come.
_ALIKE = [(1_000_000, 50_000), (1_000_000, 50_000)]
_KEPT_WAITING = [(1_000_000, 5_000_000), (1_000_000, 5_000_000)]
_AHEAD = [(20_000, 50_000), (1_000_000, 50_000)]


@pytest.mark.parametrize(
    ("pairs", "num_pairs", "is_refused"),
    [
        ([_ALIKE], 2, False),
        ([_KEPT_WAITING], 8, False),
        ([_AHEAD], 10, True),
        # It lost two races of five, at the beginning.
        ([_ALIKE, _AHEAD, _KEPT_WAITING, _AHEAD, _AHEAD], 50, True),
        # A thread of an honest one got no processor once.
        ([_AHEAD, *[_ALIKE] * 20], 10, False),
    ],
)
def test_pairs_of_calls_are_looked_at_until_they_tell(
    monkeypatch: pytest.MonkeyPatch, pairs: list[list[tuple[int, int]]], num_pairs: int, is_refused: bool
) -> None:
    given: Iterator[list[tuple[int, int]]] = cycle(pairs)
    seen: list[list[tuple[int, int]]] = []

    def pair(*_: object) -> list[tuple[int, int]]:
        seen.append(next(given))
        return seen[-1]

    monkeypatch.setattr(sudden_calls, "_pair", pair)
    cause = None
    try:
        require_no_head_start(None, None, 0)
    except Verdict as found:
        cause = found.cause
    assert (cause, len(seen)) == ("HACK_ASYNC" if is_refused else None, num_pairs)
