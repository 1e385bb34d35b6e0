"""
Times a candidate against its reference: same device, same inputs, interleaved ABBA, every output compared. Stops when
the 95 % bootstrap interval of the ratio of medians is narrower than +-2 %, or when the budget is spent.

Pairs come in rounds: what a round needs is made while others use the device, and the device is kept from them for as
long as its pairs take. Where the cases of a round take too much memory there is one round, and each case is made in it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from .candidate_run import CandidateRun
from .cases import MAX_CACHED_BYTES, Case
from .chain_witness import chain_of_calls
from .evidence import Evidence
from .faults import Verdict
from .reference import Reference
from .samples import Samples, Timing
from .timed_pairs import TimedPairs
from .traffic import traffic_of

# Of the inputs that nobody can foresee, the first are used before.
_FIRST = 2
_WARM_UPS, _WARM_UPS_LATER = 3, 1
_LEAST_PAIRS, _MIN_PAIRS, _MAX_PAIRS, _LOOK_EVERY = 5, 8, 100, 4
# Milliseconds, about: what takes the host longer to queue is timed with the launching in it.
_MAX_PATIENCE = 16
_HALF_WIDTH = 0.02
_MORE = 1.25

Alone = Callable[[], AbstractContextManager[None]]
"""Keeps a device from others for a while."""


def time_candidate(run: CandidateRun, reference: Reference, evidence: Evidence, alone: Alone) -> dict | None:
    """The `performance` field of a row, or None where no honest number can be had. Raises a Verdict."""
    pairs = TimedPairs(run, reference, evidence)
    samples = _samples(pairs, reference, alone)
    pairs.require_rest()
    evidence.timed_pairs, evidence.disturbed_pairs = len(samples), samples.num_disturbed
    evidence.enough_pairs = len(samples) >= _MIN_PAIRS
    witness = samples.witness()
    if _sends_more(run, reference):
        # What its outputs take to be copied and sent, and the reference's do not, looks like hidden time and could be
        # some: what the outside clock cannot bear out is no figure.
        evidence.clock_confirms = None
        return None
    # On a GPU calls of honest kernels were seen to take longer outside than inside: they lose the figure, not the row.
    if witness.is_forgery and run.proved_on != "gpu":
        text = "the time its process reported is less than half of what the judge's own clock saw"
        raise Verdict("REWARD_HACK", "integrity", "HACK_PATCH", "candidate", text)
    evidence.clock_confirms, evidence.clock_objection = witness.confirms, witness.objection
    if run.proved_on != "gpu" and not reference.is_large:
        with alone():
            confirmed = _confirmed_by_chain(run, reference, samples)
        if confirmed is not None:
            evidence.clock_confirms = confirmed and not witness.contradicts
        if confirmed and not witness.contradicts:
            evidence.clock_objection = None
        elif confirmed is False:
            evidence.clock_objection = "a chain of calls took longer than its process reports"
    if evidence.clock_confirms is False or not evidence.enough_pairs:
        return None
    return _performance(samples) | traffic_of(reference)


# What is computed while inputs arrive, or in calls too short for the outside clock, shows in a chain of calls.
def _confirmed_by_chain(run: CandidateRun, reference: Reference, samples: Samples) -> bool | None:
    first = reference.num_calls() + _FIRST + _MAX_PAIRS
    finding = chain_of_calls(run, reference, first, samples.claims())
    if finding is None:
        return None
    if finding.is_forgery:
        text = (
            f"its process reported {finding.claimed / 1e3:.1f} microseconds a call,"
            f" and the judge's own clock saw {finding.seen / 1e3:.1f} in calls whose order it could not know"
        )
        raise Verdict("REWARD_HACK", "integrity", "HACK_PATCH", "candidate", text)
    return not finding.contradicts


def _sends_more(run: CandidateRun, reference: Reference) -> bool:
    return run.largest_answer > _MORE * max(1, reference.largest_answer)


@dataclass
class _Progress:
    """How far a timing is."""

    remaining: float
    """Seconds that pairs may still take."""
    next_index: int
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
        count = len(self.samples) + self.samples.num_disturbed
        late = count >= _LEAST_PAIRS and self.remaining < 0
        self.is_done = late or count >= _MAX_PAIRS or (_is_worth_a_look(self.samples) and _is_settled(self.samples))


# Warm-ups and pairs, round by round. The second round is as long as the budget allows: every round waits for others.
def _samples(pairs: TimedPairs, reference: Reference, alone: Alone) -> Samples:
    progress = _Progress(reference.settings.timing_s, reference.num_calls() + _FIRST)
    warm_ups, cases = _first_round(reference, progress)
    while not progress.is_done:
        with alone():
            start = time.monotonic()
            _time_round(pairs, progress, (warm_ups, cases))
            seconds = (time.monotonic() - start) / len(cases)
        warm_ups = _WARM_UPS_LATER
        cases = [] if progress.is_done else _later_round(reference, progress, warm_ups + progress.remaining / seconds)
    return progress.samples


def _time_round(pairs: TimedPairs, progress: _Progress, how: Round) -> None:
    warm_ups, cases = how
    for place, make in enumerate(cases):
        case = make()
        start = time.monotonic()
        pair = pairs.time(case, progress.patience)
        if not all(timing.host_was_free for timing in pair):
            progress.patience = min(2 * progress.patience, _MAX_PATIENCE)
        if place >= warm_ups:
            progress.take(pair, time.monotonic() - start)
        if progress.is_done:
            return


Round = tuple[int, list[Callable[[], Case]]]
"""How many of its cases only warm up, and what gives them."""


def _first_round(reference: Reference, progress: _Progress) -> Round:
    count = _WARM_UPS + _MIN_PAIRS
    if reference.is_large or count * reference.case(0).num_bytes > MAX_CACHED_BYTES:
        numbers = progress.take_indices(_WARM_UPS_LATER + _MAX_PAIRS)
        return _WARM_UPS_LATER, [partial(reference.case_by_itself, index) for index in numbers]
    # They are kept for other candidates of the task.
    return _WARM_UPS, [_given(reference.case(index)) for index in progress.take_indices(count)]


def _later_round(reference: Reference, progress: _Progress, count: float) -> list[Callable[[], Case]]:
    room = MAX_CACHED_BYTES // max(1, reference.case(0).num_bytes)
    numbers = progress.take_indices(max(_WARM_UPS_LATER + 1, min(math.ceil(count), _MAX_PAIRS, room)))
    return [_given(reference.new_case(index)) for index in numbers]


def _given(case: Case) -> Callable[[], Case]:
    return lambda: case


# The ratio is known, and so is whether the judge's own clock bears it out.
def _is_settled(samples: Samples) -> bool:
    witness = samples.witness()
    return samples.half_width() < _HALF_WIDTH and (witness.is_steady or witness.contradicts)


def _is_worth_a_look(samples: Samples) -> bool:
    return len(samples) >= _MIN_PAIRS and len(samples) % _LOOK_EVERY == 0


def _performance(samples: Samples) -> dict:
    reference, candidate = samples.medians()
    low, high = samples.interval()
    return {
        "latency_ms": candidate / 1e6,
        "reference_latency_ms": reference / 1e6,
        "speedup": reference / candidate,
        "speedup_ci_low": low,
        "speedup_ci_high": high,
        "num_samples": len(samples),
    }
