"""Whether outputs were compared with the reference in float64."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if not evidence.tolerances:
        return None, "all outputs are compared exactly"
    if evidence.oracle == "float64" and evidence.is_held_against_own:
        return None, "for want of memory float64 sets tolerances only, and outputs are held against the reference's own"
    if evidence.oracle == "float64":
        return True, None
    instead = "its own dtype" if evidence.oracle is None else evidence.oracle
    return False, f"the reference cannot be run in float64, so it was compared in {instead}"


CHECK = Check("float64-oracle", 2, _judge)
