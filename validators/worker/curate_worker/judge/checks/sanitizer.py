"""Whether NVIDIA's compute-sanitizer objects to what its kernels do; looked at after everything else."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


# Filled in when the candidate's own process has ended.
def _judge(evidence: Evidence) -> Finding:
    del evidence
    return None, None


CHECK = Check("sanitizer", 1, _judge)
