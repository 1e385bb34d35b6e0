"""Whether a stochastic operator draws from the reference's distribution; a wrong one is a refusal."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if not evidence.drawn:
        return None, None
    return True, "; ".join(finding.text(is_foreseen=number == 0) for number, finding in enumerate(evidence.drawn))


CHECK = Check("randomness", 2, _judge)
