"""Whether the inputs were bit for bit the same after every call."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.reference_mutates_inputs:
        return None, "the reference changes its inputs as well"
    if evidence.mutated_inputs:
        return False, f"changed inputs {sorted(evidence.mutated_inputs)}"
    return True, None


CHECK = Check("inputs-untouched", 1, _judge)
