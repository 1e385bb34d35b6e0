"""
Times a candidate against its reference: same device, same inputs, interleaved ABBA, every output compared. Stops when
the 95 % bootstrap interval of the ratio of medians is narrower than +-2 %, or when the budget is spent.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np

from .candidate_run import CallAnswer, CandidateRun
from .compare import compare
from .evidence import Evidence
from .faults import Verdict
from .reference import Reference

_WARM_UPS = 3
_MIN_PAIRS, _MAX_PAIRS, _LOOK_EVERY = 8, 100, 4
_HALF_WIDTH = 0.02
_RESAMPLES = 1000
_MAX_BUDGET_S = 10.0
# The outside clock sees the transfer of inputs and outputs as well; less than this it cannot tell apart.
_WITNESS_SLACK_NS = 1_000_000
_WITNESS_ERRORS = 4


@dataclass
class _Samples:
    inside: list[float] = field(default_factory=list)
    outside: list[float] = field(default_factory=list)

    def add(self, inside: int, outside: int) -> None:
        self.inside.append(max(1.0, float(inside)))
        self.outside.append(float(outside))

    def overhead(self) -> np.ndarray:
        return np.array(self.outside) - np.array(self.inside)


def time_candidate(run: CandidateRun, reference: Reference, evidence: Evidence) -> dict | None:
    """The `performance` field of a row, or None where the clocks contradict each other. Raises a Verdict."""
    first = reference.settings.calls
    budget = min(_MAX_BUDGET_S, reference.settings.timeout_s / 4)
    for _ in range(_WARM_UPS):
        _time_reference(reference, first)
        _time_candidate_once(run, reference, first)
    mine, theirs = _Samples(), _Samples()
    deadline = time.monotonic() + budget
    for number in range(_MAX_PAIRS):
        _time_pair(run, reference, first + 1 + number, theirs, mine)
        enough = number + 1 >= _MIN_PAIRS and (number + 1) % _LOOK_EVERY == 0
        if (enough and _is_settled(theirs, mine)) or (number + 1 >= _MIN_PAIRS and time.monotonic() > deadline):
            break
    evidence.timed_calls_checked = len(mine.inside)
    evidence.clock_agrees = _clocks_agree(theirs, mine)
    return _performance(theirs, mine) if evidence.clock_agrees else None


def _time_pair(run: CandidateRun, reference: Reference, index: int, theirs: _Samples, mine: _Samples) -> None:
    if index % 2:
        theirs.add(*_time_reference(reference, index))
        mine.add(*_time_candidate_once(run, reference, index))
    else:
        mine.add(*_time_candidate_once(run, reference, index))
        theirs.add(*_time_reference(reference, index))


def _time_reference(reference: Reference, index: int) -> tuple[int, int]:
    inputs = reference.case(index).inputs
    start = time.monotonic_ns()
    _, facts = reference.call(inputs, flush=True)
    return facts["nanoseconds"], time.monotonic_ns() - start


def _time_candidate_once(run: CandidateRun, reference: Reference, index: int) -> tuple[int, int]:
    case = reference.case(index)
    answer: CallAnswer = run.call(case, flush=True, renew_time=True)
    compare(answer.outputs, case.expected)
    return answer.nanoseconds, answer.outside_nanoseconds


def _is_settled(theirs: _Samples, mine: _Samples) -> bool:
    low, high = _interval(theirs, mine)
    return (math.log(high) - math.log(low)) / 2 < _HALF_WIDTH


def _interval(theirs: _Samples, mine: _Samples) -> tuple[float, float]:
    generator = np.random.default_rng(0)
    reference, candidate = np.array(theirs.inside), np.array(mine.inside)
    picks = generator.integers(0, len(reference), size=(_RESAMPLES, len(reference)))
    ratios = np.median(reference[picks], axis=1) / np.median(candidate[picks], axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


# Both programs go through the same hands, so what the outside clock sees beyond the inside one must be alike for both.
def _clocks_agree(theirs: _Samples, mine: _Samples) -> bool:
    claimed = float(np.median(mine.inside))
    seen = float(np.median(mine.outside) - np.median(theirs.overhead()))
    uncertain = _WITNESS_ERRORS * (_error_of_median(np.array(mine.outside)) + _error_of_median(theirs.overhead()))
    if seen - claimed <= max(_WITNESS_SLACK_NS, uncertain, claimed / 4):
        return True
    if claimed < seen / 2:
        text = "the time its process reported is less than half of what the judge's own clock saw"
        raise Verdict("REWARD_HACK", "integrity", "HACK_PATCH", "candidate", text)
    return False


# Of a normal distribution: 1.2533 sigma / sqrt(n), with sigma = interquartile range / 1.349.
def _error_of_median(values: np.ndarray) -> float:
    spread = float(np.quantile(values, 0.75) - np.quantile(values, 0.25))
    return 1.2533 * spread / 1.349 / math.sqrt(len(values))


def _performance(theirs: _Samples, mine: _Samples) -> dict:
    reference, candidate = float(np.median(theirs.inside)), float(np.median(mine.inside))
    low, high = _interval(theirs, mine)
    return {
        "latency_ms": candidate / 1e6,
        "reference_latency_ms": reference / 1e6,
        "speedup": reference / candidate,
        "speedup_ci_low": low,
        "speedup_ci_high": high,
        "num_samples": len(mine.inside),
    }
