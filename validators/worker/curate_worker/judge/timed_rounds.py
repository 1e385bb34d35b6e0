"""
Pairs of timed calls in rounds: what a round needs is made while others use the device, and the device is kept from them
for as long as its pairs take. Where the cases of a round take too much memory there is one round, and each case is made
in it. They end when the 95 % bootstrap interval of the ratio of medians is narrower than +-2 % and the judge's own
clock bears it out, when that cannot come about any more, or when the budget is spent.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from .cases import MAX_CACHED_BYTES, Case, OpenCase
from .reference import Reference
from .samples import Samples, Timing

FIRST_TIMED: Final = 2
"""Of the inputs that nobody can foresee, as many are used before."""
_MIN_PAIRS: Final = 8
# Of inputs that are made one by one, while a device is kept from others, a pair takes longer than anything else.
_MIN_LONG_PAIRS: Final = 6
MAX_PAIRS: Final = 100
_WARM_UPS, _WARM_UPS_LATER = 3, 1
_LEAST_PAIRS, _LOOK_EVERY = 5, 4
_ENOUGH_TO_TELL, _NO_CHANCE = 16, 2.0
# Milliseconds, about: what takes the host longer to queue is timed with the launching in it.
_MAX_PATIENCE = 16
_HALF_WIDTH = 0.02

Alone = Callable[[], AbstractContextManager[None]]
"""Keeps a device from others for a while."""
TimePair = Callable[[Case | OpenCase, int], tuple[Timing, Timing]]
"""Times reference and another program on one case, with the patience of the clock."""


def least_pairs(reference: Reference) -> int:
    """So many pairs say something; fewer say nothing."""
    return _MIN_LONG_PAIRS if reference.is_heavy else _MIN_PAIRS


def timed_samples(time_pair: TimePair, reference: Reference, alone: Alone) -> Samples:
    """
    Warm-ups and pairs, round by round. The second round is as long as the budget allows: every round waits for others.
    """
    reference.begin_timing()
    first = reference.num_calls() + FIRST_TIMED
    least = least_pairs(reference)
    progress = _Progress(reference.settings.timing_s, first, is_patient=not reference.is_large, least_pairs=least)
    warm_ups, cases = _first_round(reference, progress)
    while not progress.is_done:
        with alone():
            start = time.monotonic()
            _time_round(time_pair, progress, (warm_ups, cases))
            seconds = (time.monotonic() - start) / len(cases)
        warm_ups = _WARM_UPS_LATER
        cases = [] if progress.is_done else _later_round(reference, progress, warm_ups + progress.remaining / seconds)
    return progress.samples


@dataclass
class _Progress:
    """How far a timing is."""

    remaining: float
    """Seconds that pairs may still take."""
    next_index: int
    is_patient: bool = True
    """Whether it goes on as long as it may, even where nothing comes of it."""
    least_pairs: int = _MIN_PAIRS
    """With fewer nobody looks whether there are enough."""
    took: float = 0.0
    """Seconds that pairs took."""
    samples: Samples = field(default_factory=Samples)
    patience: int = 1
    is_done: bool = False

    def take_indices(self, count: int) -> range:
        """Numbers of calls that were not made yet."""
        self.next_index += count
        return range(self.next_index - count, self.next_index)

    def take(self, pair: tuple[Timing, Timing], seconds: float) -> None:
        """A pair that counts."""
        self.samples.add(*pair)
        self.remaining -= seconds
        self.took += seconds
        count = len(self.samples) + self.samples.num_disturbed
        late = count >= _LEAST_PAIRS and self.remaining < 0
        self.is_done = late or count >= MAX_PAIRS
        if not self.is_done and self._is_worth_a_look():
            self.is_done = _is_settled(self.samples) or self._is_hopeless(count)

    # To look takes 5 ms, as long as a pair of the others.
    def _is_worth_a_look(self) -> bool:
        count, is_long = len(self.samples), self.least_pairs < _MIN_PAIRS
        return count >= self.least_pairs and (is_long or count % _LOOK_EVERY == 0)

    # There will be no figure, however long it goes on; all of a device is kept from others meanwhile.
    def _is_hopeless(self, count: int) -> bool:
        if self.is_patient or count < _ENOUGH_TO_TELL:
            return False
        witness = self.samples.witness()
        possible = min(MAX_PAIRS, count + self.remaining * count / max(self.took, 1e-9))
        return not witness.contradicts and count * witness.effort > _NO_CHANCE * possible


def _time_round(time_pair: TimePair, progress: _Progress, how: Round) -> None:
    warm_ups, cases = how
    for place, make in enumerate(cases):
        # To make one that is not kept takes as long as to time it, and others wait for both.
        start = time.monotonic()
        case = make()
        pair = time_pair(case, progress.patience)
        # The next one may need its memory.
        del case
        if not all(timing.host_was_free for timing in pair):
            progress.patience = min(2 * progress.patience, _MAX_PATIENCE)
        if place >= warm_ups:
            progress.take(pair, time.monotonic() - start)
        if progress.is_done:
            return


Round = tuple[int, list[Callable[[], Case | OpenCase]]]
"""How many of its cases only warm up, and what gives them."""


def _first_round(reference: Reference, progress: _Progress) -> Round:
    if reference.is_heavy:
        numbers = progress.take_indices(_WARM_UPS_LATER + MAX_PAIRS)
        return _WARM_UPS_LATER, [partial(reference.case_by_itself, index) for index in numbers]
    # They are kept for other candidates of the task.
    return _WARM_UPS, [_given(reference.case(index)) for index in progress.take_indices(_WARM_UPS + _MIN_PAIRS)]


def _later_round(reference: Reference, progress: _Progress, count: float) -> list[Callable[[], Case | OpenCase]]:
    room = MAX_CACHED_BYTES // max(1, reference.case(0).num_bytes)
    numbers = progress.take_indices(max(_WARM_UPS_LATER + 1, min(math.ceil(count), MAX_PAIRS, room)))
    return [_given(reference.new_case(index)) for index in numbers]


def _given(case: Case) -> Callable[[], Case]:
    return lambda: case


# The ratio is known, and so is whether the judge's own clock bears it out.
def _is_settled(samples: Samples) -> bool:
    witness = samples.witness()
    return samples.half_width() < _HALF_WIDTH and (witness.is_steady or witness.contradicts)
