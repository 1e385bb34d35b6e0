"""Whether its gradients are right. Wrong ones are a verdict; here it fails where none come."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.backward


CHECK = Check("backward", 1, _judge)
