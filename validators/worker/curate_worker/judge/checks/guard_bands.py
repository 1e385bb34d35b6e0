"""Whether the memory on both sides of every input was left alone."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.overrun_inputs is None:
        return None, None if evidence.proved_on != "gpu" else "inputs on a GPU lie in memory without bands"
    return not evidence.overrun_inputs, None


CHECK = Check("guard-bands", 1, _judge)
