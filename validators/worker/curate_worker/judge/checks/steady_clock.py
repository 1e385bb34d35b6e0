"""Whether the GPU's clock was what it should be while it was timed on."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.clock_is_steady, evidence.clock_changes


CHECK = Check("steady-clock", 1, _judge)
