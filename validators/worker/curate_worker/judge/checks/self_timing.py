"""Whether a program timed against itself on this device was as fast as itself, the last time that somebody looked."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


# What is wrong with the device is no failure of the candidate's.
def _judge(evidence: Evidence) -> Finding:
    return (True if evidence.times_itself_right else None), evidence.self_timing_objection


CHECK = Check("self-timing", 1, _judge)
