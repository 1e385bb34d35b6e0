"""
How long calls take by a clock that the candidate cannot reach: many calls for one order of the judge. Which input comes
next follows from the bits of the output before and from a number that the judge draws, so that calls can neither be
left out nor be merged, and what is computed while inputs arrive counts as well. The reference goes the same way: what
it takes beyond its calls, of which its own process can be believed, is what the candidate may take beyond its own.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from ..chain import Chain, followed
from .candidate_run import CandidateRun
from .cases import Case
from .compare import compare
from .faults import Verdict
from .phases import phase
from .reference import Reference

_MOST_LINKS, _LEAST_LINKS = 32, 4
_WHOLE_NS: Final = 30_000_000
_MOST_BYTES: Final = 128 << 20
# More where it is close: sending inputs of megabytes takes ten times as long as many a call, and differs by as much.
_ROUNDS, _MOST_ROUNDS, _CLOSE = 8, 20, 2.0
# A chain finds its caches warm, and the least of several rounds counts. Of 52 honest ones on two cores with ten to
# twenty programs at work none took twice what it claimed, and 9 more than 1.5 times: those lose their figure, no more.
_NOISE_NS, _SHARE = 15_000, 1.5
MOST_LINKED: Final = _MOST_ROUNDS * _MOST_LINKS
"""Cases that it may use."""
_FORGERY_NS, _FORGERY_SHARE = 50_000, 4.0


@dataclass(frozen=True)
class ChainFinding:
    """What a call takes at least, nanoseconds, and what its process claims."""

    seen: float
    claimed: float
    waited: float
    """How long the threads of its processes, together, were ready to run meanwhile and others had the processor."""
    beside: float = 0.0
    """What the reference's chain takes per call beside its calls: inputs that are sent, taken in and copied."""

    @property
    def contradicts(self) -> bool:
        """Whether the claim is too small."""
        return self.seen > self._limit

    @property
    def is_close(self) -> bool:
        """Whether what others on the machine do may be why the claim seems too small."""
        return self.seen <= _CLOSE * self._limit

    @property
    def _limit(self) -> float:
        return _SHARE * self.claimed + _NOISE_NS

    @property
    def is_forgery(self) -> bool:
        """
        Whether it is so much too small that no accident explains it. Threads that wait for each other in every call can
        take fifty times as long on a busy machine, in every round. A candidate that has its own threads wait escapes
        the blame so, but gets no figure: its claim is contradicted all the same. Where sending takes longer than
        calling, a difference between two ways of sending is no more than what others on the machine do to it.
        """
        return self.seen - self.waited > _FORGERY_SHARE * self.claimed + _FORGERY_NS + self.beside


def chain_of_calls(
    run: CandidateRun, reference: Reference, first: int, claims: tuple[float, float]
) -> ChainFinding | None:
    """
    Judges what processes claim of a call: the reference's and the candidate's. The inputs are the cases from number
    `first` on. None where they take too much memory to be there all at once. Raises a Verdict where outputs are wrong,
    or where calls were not made as they had to be.
    """
    count = int(min(_MOST_LINKS, max(_LEAST_LINKS, _WHOLE_NS / max(1.0, *claims))))
    count = min(count, _MOST_BYTES // max(1, reference.case(0).num_bytes))
    if count < _LEAST_LINKS:
        return None
    with phase("chain"):
        # Others on the machine only add to it.
        least_theirs, least_mine, waited = float("inf"), float("inf"), 0.0
        finding = ChainFinding(0.0, claims[1], 0.0)
        for number in range(_MOST_ROUNDS):
            # Others in every round: what a program remembers of one is of no use in the next.
            cases = [reference.case(first + number * count + place) for place in range(count)]
            chain = Chain(secrets.token_hex(8), count, number)
            theirs = reference.chain(chain, [case.inputs for case in cases])
            least_theirs = min(least_theirs, theirs)
            before = run.process.waited_ns()
            mine = _candidate_chain(run, chain, cases)
            if mine < least_mine:
                least_mine, waited = mine, max(0, run.process.waited_ns() - before)
            seen = max(0.0, least_mine - least_theirs) / count
            finding = ChainFinding(seen, claims[1], waited / count, least_theirs / count)
            if not finding.contradicts or (number + 1 >= _ROUNDS and not finding.is_close):
                break
    return finding


def _candidate_chain(run: CandidateRun, chain: Chain, cases: list[Case]) -> float:
    nanoseconds, outputs = run.chain(chain, cases)
    for index, output in zip(followed(chain, outputs), outputs, strict=True):
        try:
            compare(output, cases[index].expected)
        except Verdict as found:
            found.log = f"in a chain of calls: {found.log}"
            raise
    return nanoseconds
