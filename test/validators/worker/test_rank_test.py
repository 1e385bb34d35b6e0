"""Rank tests: how often they err, and what they tell apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from curate_worker.judge.draw_statistics import DrawStatistics, columns
from curate_worker.judge.rank_test import p_value, rank_sum_p

SAMPLES, SIZE = 2000, 64
USUAL, RARE = 0.05, 1e-8


def test_equal_distributions_are_told_apart_as_rarely_as_they_should() -> None:
    dice = np.random.default_rng(1)
    pairs = [(dice.standard_normal(SIZE), dice.standard_normal(SIZE)) for _ in range(SAMPLES)]
    assert sum(p_value(*pair) < USUAL for pair in pairs) / SAMPLES == pytest.approx(USUAL, abs=0.02)


def test_ties_are_corrected_for() -> None:
    dice = np.random.default_rng(2)
    pairs = [(dice.integers(0, 3, SIZE), dice.integers(0, 3, SIZE)) for _ in range(SAMPLES)]
    assert sum(rank_sum_p(*pair) < USUAL for pair in pairs) / SAMPLES == pytest.approx(USUAL, abs=0.02)


@pytest.mark.parametrize(("shift", "scale"), [(1.5, 1.0), (0.0, 4.0)])
def test_other_places_and_other_spreads_are_seen(shift: float, scale: float) -> None:
    dice = np.random.default_rng(3)
    assert p_value(dice.standard_normal(SIZE), shift + scale * dice.standard_normal(SIZE)) < RARE


def test_what_differs_by_rounding_is_equal() -> None:
    numbers = np.full(SIZE, 4.9378)
    assert p_value(numbers, numbers * (1 + 1e-7)) < RARE
    assert p_value(numbers, numbers * (1 + 1e-7), 2.0**-16) == 1.0


def test_numbers_that_are_all_the_same_say_nothing() -> None:
    assert p_value(np.zeros(SIZE), np.zeros(SIZE)) == 1.0


def test_a_normal_number_is_told_from_a_sum_of_three_uniform_ones() -> None:
    dice = torch.Generator().manual_seed(4)
    given = torch.randn(2000, generator=dice)
    normal = [given + torch.randn(2000, generator=dice) for _ in range(24 + SIZE)]
    sums = [given + (torch.rand(3, 2000, generator=dice).sum(0) - 1.5) * 2 for _ in range(SIZE)]
    statistics = DrawStatistics(normal[0])
    for draw in normal[1:24]:
        statistics.know(draw)
    assert statistics.prepare()
    theirs, mine = (columns([statistics.of(*pair) for pair in pairwise(draws)]) for draws in (normal[24:], sums))
    seen = [name for name in theirs if p_value(theirs[name], mine[name]) < RARE]
    assert "fourth power of deviations" in seen
