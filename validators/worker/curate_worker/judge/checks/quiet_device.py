"""Whether the device was quiet enough to time on it."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.timed_pairs is None:
        return None, None
    if evidence.enough_pairs:
        return True, None
    if evidence.clock_is_steady is False:
        return None, None
    return False, "other programs used the processor during nearly every timed call"


CHECK = Check("quiet-device", 1, _judge)
