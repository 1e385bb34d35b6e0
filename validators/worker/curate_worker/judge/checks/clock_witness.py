"""Whether the judge's own clock, which the candidate cannot reach, bears out what the runner measured."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.clock_agrees, None


CHECK = Check("clock-witness", 1, _judge)
