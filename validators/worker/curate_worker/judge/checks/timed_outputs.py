"""Whether the output of every timed call was compared."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.timed_calls_checked is None:
        return None, None
    return True, None


CHECK = Check("timed-outputs", 1, _judge)
