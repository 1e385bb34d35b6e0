"""Whether outputs were right on inputs drawn from other distributions than the task's own; a wrong one is a refusal."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    left_out = ", ".join(evidence.left_out_distributions)
    texts = [", ".join(evidence.distributions), f"not applicable: {left_out}" if left_out else ""]
    return bool(evidence.distributions) or None, "; ".join(text for text in texts if text) or None


CHECK = Check("distributions", 1, _judge)
