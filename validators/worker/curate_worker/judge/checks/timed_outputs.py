"""Whether the output of every timed call was compared."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return (None if evidence.timed_pairs is None else True), None


CHECK = Check("timed-outputs", 1, _judge)
