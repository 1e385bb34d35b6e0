"""
What libraries do of the work of a program whose kernels Triton's interpreter runs. Time says nothing there, since the
interpreter takes a thousand times as long as a kernel, so PyTorch's operators are held against those of the reference
by what they are given: elements, and operations of arithmetic where PyTorch knows a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..operator_names import computes
from .call_answer import Work
from .candidate_run import CandidateRun
from .faults import Verdict
from .reference import Reference

# Elements are a coarse measure: one operator of five may be a small part of the time.
_MOST: Final = 0.25
_PROFILED: Final = frozenset({"profiled"})


def require_little_in_libraries(run: CandidateRun, reference: Reference) -> None:
    """Raises a Verdict on a program whose operators of PyTorch are given a quarter of what the reference's are."""
    case = reference.unforeseen_case(0)
    share = share_of(run.call(case, flush=False, how=_PROFILED).work, reference.work(case.inputs))
    if share > _MOST:
        text = f"libraries are given {100 * share:.0f} % of what those of the reference are, which this recipe forbids"
        raise Verdict("REWARD_HACK", "integrity", "HACK_FALLBACK", "candidate", text)


def share_of(mine: Sequence[Work], theirs: Sequence[Work]) -> float:
    """The larger of the shares of elements and of operations."""
    pairs = zip(_amounts(mine), _amounts(theirs), strict=True)
    return max(own / whole if whole else 0.0 for own, whole in pairs)


def _amounts(work: Sequence[Work]) -> tuple[int, int]:
    chosen = [item for item in work if item.kind == "operator" and computes(item.name)]
    return sum(item.elements for item in chosen), sum(item.flops for item in chosen)
