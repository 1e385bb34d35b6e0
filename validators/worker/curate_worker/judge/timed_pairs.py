"""Pairs of timed calls, reference and candidate: what comes out is compared, what the candidate does is noted."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Final

from ..values import Parcel
from .call_answer import CallAnswer
from .candidate_run import CandidateRun
from .cases import Case, OpenCase
from .checked_call import note
from .compare import compare
from .evidence import Evidence
from .faults import Verdict
from .gpu_meter import GpuMeter
from .idle_work import Rest
from .reference import Reference
from .samples import DISTURBED, Timing

# Digests of more would take longer than the calls of most kernels.
_LOOKED_AT_BYTES: Final = 64 << 20
_LOOK_EVERY: Final = 8
_UNSEEN: Final = frozenset({"unseen"})
# Of one processor, beginning with the rest that the reference is timed in: threads of an honest program that spin for
# the next parallel loop do it on a busy machine long after the loop, when they get a processor again.
_LARGEST_SHARE, _LEAST_NS = 0.25, 5_000_000
_MOST_REFUSALS = 3


class TimedPairs:
    """Times one candidate beside its reference."""

    def __init__(
        self, run: CandidateRun, reference: Reference, evidence: Evidence, meter: GpuMeter | None = None
    ) -> None:
        self._run, self._reference, self._evidence = run, reference, evidence
        self._meter = meter
        self._ran_beside = self._took = self._refusals = 0

    def time(self, case: Case | OpenCase, patience: int) -> tuple[Timing, Timing]:
        """Both on one case, in turns one or the other first. Raises a Verdict."""
        if case.index % 2:
            theirs, own = self._time_reference(case, patience)
            answer, mine = self._time_candidate(case, patience)
        else:
            answer, mine = self._time_candidate(case, patience)
            theirs, own = self._time_reference(case, patience)
        known = case.answered(own)
        note(answer, known, self._evidence)
        compare(answer.outputs, known.expected)
        return theirs, mine

    def require_rest(self) -> None:
        """
        Raises a Verdict where the candidate computed while the reference was timed, which it can where it could not be
        stopped, or would have.
        """
        if self._refusals >= _MOST_REFUSALS:
            text = "its processes compute between its calls, when the reference is to be timed, and do not end"
            raise Verdict("REWARD_HACK", "integrity", "HACK_ASYNC", "candidate", text)
        if self._ran_beside > max(_LEAST_NS, _LARGEST_SHARE * self._took):
            seen = f"{self._ran_beside / 1e6:.0f} ms"
            text = f"its processes computed for {seen} between its calls, while the reference was timed"
            raise Verdict("REWARD_HACK", "integrity", "HACK_ASYNC", "candidate", text)

    # On a GPU nobody has seen yet what threads of its driver do meanwhile.
    def _time_reference(self, case: Case | OpenCase, patience: int) -> tuple[Timing, Parcel]:
        is_seen = self._run.proved_on != "gpu"
        rest = self._run.process.wait_for_rest() if is_seen else Rest.CAME
        how = {"flush": True, "look": False, "patience": patience, "beside": self._run.process.ran_ns}
        with self._run.process.held_still() if is_seen else nullcontext():
            call = self._reference.call(case.inputs, **how)
        timing = self._with_reading(call.timing)
        self._refusals += rest is Rest.REFUSED
        if rest is not Rest.CAME:
            return replace(timing, waited=DISTURBED), call.output
        self._ran_beside += call.ran_beside if is_seen else 0
        self._took += call.timing.outside
        return timing, call.output

    def _time_candidate(self, case: Case | OpenCase, patience: int) -> tuple[CallAnswer, Timing]:
        is_seen = case.inputs.num_bytes <= _LOOKED_AT_BYTES or case.index % _LOOK_EVERY == 0
        how = frozenset() if is_seen else _UNSEEN
        known = self._waited()
        answer = self._run.call(case, flush=True, timed=True, patience=patience, how=how)
        timing = replace(self._with_reading(answer.timing), kept_waiting=max(0, self._waited() - known))
        return answer, timing

    # What a GPU works on does not wait for a processor.
    def _waited(self) -> int:
        return 0 if self._run.proved_on == "gpu" else self._run.process.waited_ns()

    # At once: a GPU at rest lowers its clock before long.
    def _with_reading(self, timing: Timing) -> Timing:
        return timing if self._meter is None else replace(timing, reading=self._meter.read())
