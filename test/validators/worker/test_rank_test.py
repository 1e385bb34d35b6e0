"""Rank tests: how often they err, and what they tell apart."""

from __future__ import annotations

import numpy as np
import pytest
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
