"""Whether the time is above what the device needs for its bytes and its arithmetic at least, as datasheets have it."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.is_possible, evidence.floor


CHECK = Check("above-floor", 1, _judge)
