"""Whether the judge's own clock, which the candidate cannot reach, bears out what the runner measured."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.timed_pairs is None or not evidence.enough_pairs:
        return None, None
    if evidence.clock_confirms is None:
        return None, "the calls are too short to be told apart from the hand-over of their outputs"
    return evidence.clock_confirms, evidence.clock_objection


CHECK = Check("clock-witness", 1, _judge)
