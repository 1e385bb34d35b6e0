"""How the candidate fares on inputs that its contract may leave out."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _check(name: str) -> Check:
    def judge(evidence: Evidence) -> Finding:
        return evidence.contracts.get(name, (None, None))

    return Check(name, 1, judge)


NON_CONTIGUOUS = _check("non-contiguous-inputs")
SPECIAL_VALUES = _check("special-values")
