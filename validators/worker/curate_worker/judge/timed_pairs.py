"""Pairs of timed calls, reference and candidate: what comes out is compared, what the candidate does is noted."""

from __future__ import annotations

from typing import Final

from .candidate_run import CandidateRun
from .cases import Case
from .checked_call import note
from .compare import compare
from .evidence import Evidence
from .faults import Verdict
from .reference import Reference
from .samples import Timing

# Digests of more would take longer than the calls of most kernels.
_LOOKED_AT_BYTES: Final = 64 << 20
_LOOK_EVERY: Final = 8
_UNSEEN: Final = frozenset({"unseen"})
# Of one processor. Threads of an honest program that wait for the next parallel loop are asleep when inputs have been
# made and caches been emptied for the reference.
_LARGEST_SHARE, _LEAST_NS = 0.25, 5_000_000


class TimedPairs:
    """Times one candidate beside its reference."""

    def __init__(self, run: CandidateRun, reference: Reference, evidence: Evidence) -> None:
        self._run, self._reference, self._evidence = run, reference, evidence
        self._ran_beside = self._took = 0

    def time(self, case: Case, patience: int) -> tuple[Timing, Timing]:
        """Both on one case, in turns one or the other first. Raises a Verdict."""
        if case.index % 2:
            theirs = self._time_reference(case, patience)
            return theirs, self._time_candidate(case, patience)
        mine = self._time_candidate(case, patience)
        return self._time_reference(case, patience), mine

    def require_rest(self) -> None:
        """Raises a Verdict where the candidate computed while the reference was timed."""
        if self._ran_beside > max(_LEAST_NS, _LARGEST_SHARE * self._took):
            seen = f"{self._ran_beside / 1e6:.0f} ms"
            text = f"its processes computed for {seen} between its calls, while the reference was timed"
            raise Verdict("REWARD_HACK", "integrity", "HACK_ASYNC", "candidate", text)

    def _time_reference(self, case: Case, patience: int) -> Timing:
        how = {"flush": True, "look": False, "patience": patience, "beside": self._run.ran_ns}
        call = self._reference.call(case.inputs, **how)
        self._ran_beside += call.ran_beside
        self._took += call.timing.outside
        return call.timing

    def _time_candidate(self, case: Case, patience: int) -> Timing:
        is_seen = case.inputs.num_bytes <= _LOOKED_AT_BYTES or case.index % _LOOK_EVERY == 0
        how = frozenset() if is_seen else _UNSEEN
        answer = self._run.call(case, flush=True, timed=True, patience=patience, how=how)
        note(answer, case, self._evidence)
        compare(answer.outputs, case.expected)
        return answer.timing
