"""Whether two calls on the same input gave the same bits. Both were within tolerance, or there would be no checks."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.repeats_exactly, None


CHECK = Check("deterministic", 1, _judge)
