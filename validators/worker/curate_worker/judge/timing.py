"""Times a candidate against its reference: same device, same inputs, interleaved ABBA, every output compared."""

from __future__ import annotations

from dataclasses import dataclass

from .candidate_run import CandidateRun
from .chain_witness import MOST_LINKED, chain_of_calls
from .evidence import Evidence
from .faults import Verdict
from .floor import require_possible
from .gpu_meter import GpuMeter
from .peaks import Peaks
from .reference import Reference
from .samples import Samples
from .sudden_calls import require_no_head_start
from .timed_pairs import TimedPairs
from .timed_rounds import FIRST_TIMED, MAX_PAIRS, Alone, least_pairs, timed_samples
from .traffic import traffic_of

_MORE = 1.25


@dataclass(frozen=True)
class Gpu:
    """What is known of the GPU that is timed on."""

    peaks: Peaks | None = None
    """None where nobody knows them."""
    meter: GpuMeter | None = None
    """None where nobody can read it."""


def time_candidate(run: CandidateRun, reference: Reference, evidence: Evidence, alone: Alone, gpu: Gpu) -> dict | None:
    """The `performance` field of a row, or None where no honest number can be had. Raises a Verdict."""
    peaks, meter = gpu.peaks, gpu.meter
    pairs = TimedPairs(run, reference, evidence, meter)
    samples = timed_samples(pairs.time, reference, alone)
    pairs.require_rest()
    clocks = samples.clocks()
    if clocks is not None:
        evidence.clock_is_steady, evidence.clock_changes = clocks.is_steady, clocks.objection
    evidence.timed_pairs, evidence.disturbed_pairs = len(samples), samples.num_disturbed
    evidence.enough_pairs = len(samples) >= least_pairs(reference)
    performance = None
    if evidence.enough_pairs:
        # What nobody can do is no matter of another clock.
        telemetry = None if clocks is None or meter is None else clocks.row(meter.most_mhz())
        told = _performance(samples) | traffic_of(reference) | {"baselines": [], "telemetry": telemetry}
        performance = require_possible(reference, told, peaks, evidence)
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
            require_no_head_start(run, reference, _first_case(reference) + MOST_LINKED)
        if confirmed is not None:
            evidence.clock_confirms = confirmed and not witness.contradicts
        if confirmed and not witness.contradicts:
            evidence.clock_objection = None
        elif confirmed is False:
            evidence.clock_objection = "a chain of calls took longer than its process reports"
    return None if evidence.clock_confirms is False or evidence.clock_is_steady is False else performance


# What is computed while inputs arrive, or in calls too short for the outside clock, shows in a chain of calls.
def _confirmed_by_chain(run: CandidateRun, reference: Reference, samples: Samples) -> bool | None:
    finding = chain_of_calls(run, reference, _first_case(reference), samples.claims())
    if finding is None:
        return None
    if finding.is_forgery:
        text = (
            f"its process reported {finding.claimed / 1e3:.1f} microseconds a call,"
            f" and the judge's own clock saw {finding.seen / 1e3:.1f} in calls whose order it could not know"
        )
        raise Verdict("REWARD_HACK", "integrity", "HACK_PATCH", "candidate", text)
    return not finding.contradicts


# The first one that no timed call has had.
def _first_case(reference: Reference) -> int:
    return reference.num_calls() + FIRST_TIMED + MAX_PAIRS


def _sends_more(run: CandidateRun, reference: Reference) -> bool:
    return run.largest_answer > _MORE * max(1, reference.largest_answer)


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
