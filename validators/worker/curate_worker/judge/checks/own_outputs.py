"""Whether outputs of one call stay what they are when the next one is made."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.reuses_outputs is None:
        return None, None
    return not evidence.reuses_outputs, "a call writes where the call before wrote" if evidence.reuses_outputs else None


CHECK = Check("own-outputs", 1, _judge)
