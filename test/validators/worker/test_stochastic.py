"""Draws, and what is summed up of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from curate_worker.judge.draw_statistics import DrawStatistics
from curate_worker.judge.leaves import Leaf, leaves_of
from curate_worker.judge.stochastic import _table
from curate_worker.values import pack

COUNT = 6


class Counted(DrawStatistics):
    """Counts what it is asked."""

    asked = 0

    def of(self, draw: torch.Tensor, before: torch.Tensor) -> dict[str, float]:
        self.asked += 1
        return super().of(draw, before)


def prepared() -> Counted:
    draws = [torch.nn.functional.dropout(torch.ones(8, 16), 0.5) for _ in range(8)]
    statistics = Counted(draws[0])
    for draw in draws[1:]:
        statistics.know(draw)
    assert statistics.prepare()
    return statistics


def leaves() -> list[Leaf]:
    return leaves_of(pack(torch.nn.functional.dropout(torch.ones(8, 16), 0.5)))


def test_one_draw_that_is_given_again_and_again_is_summed_up_once_and_says_the_same() -> None:
    statistics, same = prepared(), leaves()
    (once,), seen = _table(lambda _: same, [statistics], COUNT)
    assert statistics.asked == 1
    (each,), seen_each = _table(lambda _: list(same), [statistics], COUNT)
    assert statistics.asked == 1 + COUNT
    assert (seen, seen_each) == ([1], [1])
    assert once.keys() == each.keys()
    for name, values in once.items():
        np.testing.assert_array_equal(values, each[name])


@pytest.mark.parametrize("gives_twice", [False, True])
def test_draws_that_differ_are_each_summed_up(gives_twice: bool) -> None:
    statistics = prepared()
    drawn = [leaves() for _ in range(COUNT + 1)]
    # In turns: the draw before is another one every time.
    given = (lambda number: drawn[number % 2]) if gives_twice else (lambda number: drawn[number])
    _table(given, [statistics], COUNT)
    assert statistics.asked == COUNT
