"""Whether it is right on sizes that its task does not have; looked at after everything else."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


# Filled in when all workloads were judged.
def _judge(evidence: Evidence) -> Finding:
    del evidence
    return None, None


CHECK = Check("other-shapes", 1, _judge)
