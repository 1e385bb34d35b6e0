"""Whether no output shares memory with an input."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.aliased_inputs:
        return False, f"an output shares memory with inputs {sorted(evidence.aliased_inputs)}"
    return True, None


CHECK = Check("no-aliasing", 1, _judge)
