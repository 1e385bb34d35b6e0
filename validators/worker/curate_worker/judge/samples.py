"""Timed calls and what can be concluded from them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from .gpu_meter import Reading
from .steady_clock import Clocks, clocks_of, steady_pairs

_RESAMPLES = 1000
# The lowest and the highest of six calls enclose their median in 97 of 100 cases, whatever the distribution (order
# statistics, 1 - 2 * 0.5 ** 6). Resampling so few would promise more than they hold.
_FEW = 8
# Waking the threads of a parallel loop takes some microseconds on a quiet machine as well.
_USUAL_WAIT_NS, _USUAL_WAIT_SHARE = 50_000, 0.1
# What the outside clock cannot tell from the copying and sending of outputs.
_LEAST_DIFFERENCE_NS = 200_000
_SHARE_OF_CLAIM = 0.25
_MIN_WITNESSES = 8
DISTURBED: Final = 1 << 62
"""`waited` of a call that says nothing, whatever its clock says."""
# Longer than what a busy machine does to the median of several calls.
_NO_ACCIDENT_NS = 10_000_000
_STANDARD_ERRORS = 4


@dataclass(frozen=True)
class Timing:
    """How long one call took, in nanoseconds."""

    inside: int
    """By the clock of its process."""
    waited: int
    """How long its threads, together, were ready to run meanwhile and somebody else had the processor."""
    outside: int
    """By the judge's clock, from the order to call until the outputs had come."""
    host_was_free: bool = False
    """Whether its process says that everything was queued before the device began, which was kept busy until then."""
    kept_waiting: int = 0
    """How long, from the arrival of its inputs, its threads together were ready to run and others had the processor."""
    reading: Reading | None = None
    """What the GPU said of itself when the call was over; None on a processor."""

    @property
    def is_disturbed(self) -> bool:
        """Whether what it took says more about other programs on the machine than about this one."""
        return self.waited > max(_USUAL_WAIT_NS, _USUAL_WAIT_SHARE * self.inside)


class Stopwatch:
    """The judge's own clock. What the judge itself had to wait for the processor is no time of the program's."""

    def __init__(self) -> None:
        self._waited = _waited_here()
        self._start = time.monotonic_ns()

    def nanoseconds(self) -> int:
        """Since it was made."""
        elapsed = time.monotonic_ns() - self._start
        return max(0, elapsed - (_waited_here() - self._waited))


class Samples:
    """
    Pairs of calls on the same input: reference and candidate. Those that other programs disturbed do not count for the
    ratio, but bear witness against a forged clock.
    """

    def __init__(self) -> None:
        self._all: list[tuple[Timing, Timing]] = []
        self._undisturbed: list[tuple[Timing, Timing]] = []
        self._pairs: list[tuple[Timing, Timing]] = []

    def add(self, reference: Timing, candidate: Timing) -> None:
        """Takes in one pair."""
        self._all.append((reference, candidate))
        if not reference.is_disturbed and not candidate.is_disturbed:
            self._undisturbed.append((reference, candidate))
            self._pairs = steady_pairs(self._undisturbed)

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def num_disturbed(self) -> int:
        """Pairs that do not count."""
        return len(self._all) - len(self._pairs)

    def clocks(self) -> Clocks | None:
        """What the GPU said meanwhile; None where nobody asked it."""
        return clocks_of(self._undisturbed, len(self._pairs))

    def medians(self) -> tuple[float, float]:
        """Median nanoseconds of reference and candidate."""
        reference, candidate = self._inside()
        return float(np.median(reference)), float(np.median(candidate))

    def claims(self) -> tuple[float, float]:
        """The same of all pairs, disturbed ones as well."""
        reference, candidate = zip(*((theirs.inside, mine.inside) for theirs, mine in self._all), strict=True)
        return float(np.median(reference)), float(np.median(candidate))

    def interval(self) -> tuple[float, float]:
        """
        95 % bootstrap interval of the ratio of medians, reference over candidate; of fewer than eight pairs from the
        fastest and the slowest calls.
        """
        reference, candidate = self._inside()
        if len(self) < _FEW:
            return float(reference.min() / candidate.max()), float(reference.max() / candidate.min())
        picks = np.random.default_rng(0).integers(0, len(self), size=(_RESAMPLES, len(self)))
        ratios = np.median(reference[picks], axis=1) / np.median(candidate[picks], axis=1)
        low, high = np.quantile(ratios, [0.025, 0.975])
        return float(low), float(high)

    def half_width(self) -> float:
        """Half the width of the interval, of the ratio's logarithm."""
        low, high = self.interval()
        return (math.log(high) - math.log(low)) / 2

    def witness(self) -> Witness:
        """
        What the judge's clock says of the time that the candidate's process claims. Beyond the call itself it sees
        outputs being copied and sent, which is alike for both programs; so it is compared pair by pair.
        """
        # What counts for the number is what has to be borne out; where too little counts, all there is.
        pairs = self._pairs if len(self._pairs) >= _MIN_WITNESSES else self._all
        beyond = [[timing.outside - timing.inside for timing in pair] for pair in pairs]
        reference, candidate = np.array(beyond, dtype=float).T
        claimed = float(np.median([mine.inside for _, mine in pairs]))
        waited = float(np.median([mine.kept_waiting for _, mine in pairs]))
        difference = candidate - reference
        return Witness(claimed, float(np.median(difference)), _error_of_median(difference), waited)

    def _inside(self) -> tuple[np.ndarray, np.ndarray]:
        reference, candidate = np.array([[max(1, t.inside) for t in pair] for pair in self._pairs], dtype=float).T
        return reference, candidate


@dataclass(frozen=True)
class Witness:
    """The outside clock against the inside one; nanoseconds."""

    claimed: float
    unexplained: float
    """Median of what the judge saw of the candidate beyond its claim and beyond what it saw of the reference."""
    error: float
    """Standard error of that."""
    waited: float = 0.0
    """How long others had the processor meanwhile, as the judge saw it."""

    @property
    def _allowed(self) -> float:
        return max(_LEAST_DIFFERENCE_NS, _SHARE_OF_CLAIM * self.claimed)

    @property
    def contradicts(self) -> bool:
        """Whether the claim is too small, beyond doubt."""
        return self.unexplained > max(self._allowed, _STANDARD_ERRORS * self.error)

    @property
    def is_steady(self) -> bool:
        """Whether a claim that is too small would have been seen."""
        return _STANDARD_ERRORS * self.error <= self._allowed

    @property
    def effort(self) -> float:
        """How many times as many pairs it takes until it is steady, if they go on like this."""
        return (_STANDARD_ERRORS * self.error / self._allowed) ** 2

    @property
    def is_forgery(self) -> bool:
        """
        Whether the claim is so far below what the judge saw that no accident explains it. Whoever has threads of its
        own wait for one another escapes the blame so, and gets no figure all the same.
        """
        return self.contradicts and self.unexplained - self.waited > max(_NO_ACCIDENT_NS, 2 * self.claimed)

    @property
    def confirms(self) -> bool | None:
        """Whether the claim is borne out; None where the calls are too short to be seen from outside."""
        if self.contradicts or not self.is_steady:
            return False
        return True if self.claimed * _SHARE_OF_CLAIM >= _LEAST_DIFFERENCE_NS else None

    @property
    def objection(self) -> str | None:
        """Why the claim is not borne out; None where it is, or where nobody could see."""
        if self.confirms is not False:
            return None
        seen = f"{self.unexplained / 1e6:.2f} ms +- {self.error / 1e6:.2f} ms beyond the {self.claimed / 1e6:.2f} ms"
        why = "that is not what it takes" if self.contradicts else "the machine is too unsteady to tell"
        return f"from outside its calls take {seen} that its process reports, beside the reference's: {why}"


def _waited_here() -> int:
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


# Of a normal distribution: 1.2533 sigma / sqrt(n), with sigma = interquartile range / 1.349.
def _error_of_median(values: np.ndarray) -> float:
    spread = float(np.quantile(values, 0.75) - np.quantile(values, 0.25))
    return 1.2533 * spread / 1.349 / math.sqrt(len(values))
