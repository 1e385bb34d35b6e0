"""
Times a candidate against its reference: same device, same inputs, interleaved ABBA, every output compared. Stops when
the 95 % bootstrap interval of the ratio of medians is narrower than +-2 %, or when the budget is spent.
"""

from __future__ import annotations

import time

from .candidate_run import CandidateRun
from .cases import Case, is_large
from .chain_witness import chain_of_calls
from .compare import compare
from .evidence import Evidence
from .faults import Verdict
from .reference import Reference
from .samples import Samples, Timing

# Of the inputs that nobody can foresee, the first are used before.
_FIRST = 2
_WARM_UPS = 3
_LEAST_PAIRS, _MIN_PAIRS, _MAX_PAIRS, _LOOK_EVERY = 5, 8, 100, 4
_HALF_WIDTH = 0.02
_MORE = 1.25


def prepare_cases(reference: Reference) -> None:
    """Makes the inputs of the first pairs, and what must come out, before the device is kept from others."""
    if reference.is_large:
        return
    for index in range(_WARM_UPS + _MIN_PAIRS):
        reference.unforeseen_case(_FIRST + index)


def time_candidate(run: CandidateRun, reference: Reference, evidence: Evidence) -> dict | None:
    """The `performance` field of a row, or None where no honest number can be had. Raises a Verdict."""
    first = reference.num_calls() + _FIRST
    for _ in range(_WARM_UPS):
        _time_pair(run, reference, _warmed_up(reference, first))
    samples = Samples()
    remaining = reference.settings.timing_s
    for number in range(_MAX_PAIRS):
        case = _warmed_up(reference, first + 1 + number)
        start = time.monotonic()
        samples.add(*_time_pair(run, reference, case))
        remaining -= time.monotonic() - start
        late = number + 1 >= _LEAST_PAIRS and remaining < 0
        if late or (_is_worth_a_look(samples) and _is_settled(samples)):
            break
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
        confirmed = _confirmed_by_chain(run, reference, samples, first + _MAX_PAIRS)
        evidence.clock_confirms = confirmed and not witness.contradicts
        if evidence.clock_confirms:
            evidence.clock_objection = None
        elif not confirmed:
            evidence.clock_objection = "a chain of calls took longer than its process reports"
    return None if evidence.clock_confirms is False or not evidence.enough_pairs else _performance(samples)


# What is computed while inputs arrive, or in calls too short for the outside clock, shows in a chain of calls.
def _confirmed_by_chain(run: CandidateRun, reference: Reference, samples: Samples, first: int) -> bool:
    finding = chain_of_calls(run, reference, first, samples.claims())
    if finding.is_forgery:
        text = (
            f"its process reported {finding.claimed / 1e3:.1f} microseconds a call,"
            f" and the judge's own clock saw {finding.seen / 1e3:.1f} in calls whose order it could not know"
        )
        raise Verdict("REWARD_HACK", "integrity", "HACK_PATCH", "candidate", text)
    return not finding.contradicts


def _sends_more(run: CandidateRun, reference: Reference) -> bool:
    return run.largest_answer > _MORE * max(1, reference.largest_answer)


# A large case is made between two pairs; the reference then allocates its memory anew, and shall not in the timed call.
def _warmed_up(reference: Reference, index: int) -> Case:
    case = reference.case(index)
    if is_large(case):
        _time_reference(reference, case)
    return case


def _time_pair(run: CandidateRun, reference: Reference, case: Case) -> tuple[Timing, Timing]:
    if case.index % 2:
        theirs = _time_reference(reference, case)
        return theirs, _time_candidate_once(run, case)
    mine = _time_candidate_once(run, case)
    return _time_reference(reference, case), mine


def _time_reference(reference: Reference, case: Case) -> Timing:
    return reference.call(case.inputs, flush=True, look=False).timing


def _time_candidate_once(run: CandidateRun, case: Case) -> Timing:
    answer = run.call(case, flush=True, timed=True)
    compare(answer.outputs, case.expected)
    return answer.timing


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
