"""Whether it is right where the memory that it allocates is not empty; one that is wrong there is refused."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.is_right_on_poison, None


CHECK = Check("written-memory", 1, _judge)
