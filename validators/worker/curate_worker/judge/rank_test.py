"""
Whether two samples come from one distribution, without knowing which: the rank-sum test for where they lie (Mann and
Whitney 1947, https://doi.org/10.1214/aoms/1177730491) and the same on distances from the common median for how far they
spread (Conover and Iman 1981, https://doi.org/10.1080/00031305.1981.10479327), both in their normal approximation with
the correction for ties.
"""

from __future__ import annotations

import math

import numpy as np


def p_value(first: np.ndarray, second: np.ndarray, grain: float = 0.0) -> float:
    """
    The smaller p of both tests, doubled for being the smaller of two. Numbers no further apart than `grain`, in
    proportion to the largest, are equal: programs round differently, and ranks would tell them by that alone.
    """
    both = np.concatenate([first, second])
    step = grain * float(np.abs(both).max())
    distances = np.abs(both - float(np.median(both)))
    return min(1.0, 2 * min(rank_sum_p(item[: len(first)], item[len(first) :], step) for item in (both, distances)))


def rank_sum_p(first: np.ndarray, second: np.ndarray, step: float = 0.0) -> float:
    """Two-sided p of the rank-sum test; 1 where all numbers are equal, or as good as equal by steps of some size."""
    both = _merged(np.concatenate([first, second]), step)
    _, places, counts = np.unique(both, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[places]
    mine, its = len(first), len(second)
    total = mine + its
    tied = float((counts.astype(float) ** 3 - counts).sum()) / (total * (total - 1))
    variance = mine * its / 12 * (total + 1 - tied)
    if variance <= 0:
        return 1.0
    shift = abs(float(ranks[:mine].sum()) - mine * (total + 1) / 2)
    return math.erfc(max(0.0, shift - 0.5) / math.sqrt(2 * variance))


# Neighbours that are nearly equal become one number.
def _merged(numbers: np.ndarray, step: float) -> np.ndarray:
    order = np.argsort(numbers, kind="stable")
    groups = np.concatenate([[0], np.cumsum(np.diff(numbers[order]) > step)])
    merged = np.empty(len(numbers))
    merged[order] = groups
    return merged
