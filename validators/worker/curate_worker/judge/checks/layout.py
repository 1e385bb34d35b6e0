"""Whether outputs have the strides of the reference's outputs."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.layout_differs is None, evidence.layout_differs


CHECK = Check("layout", 1, _judge)
