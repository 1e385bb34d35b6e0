"""Whether the candidate brings a kernel of its own: an extension that was built, a Triton kernel that was launched."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    if evidence.triton_launches:
        return True, None
    if evidence.extension_calls:
        return True, "an extension was called, and nothing is right without what it gives"
    if evidence.built_extensions:
        return True, "an extension was built; whether the result came from it cannot be seen"
    return False, "no extension was built and no Triton kernel was launched"


CHECK = Check("own-kernel", 2, _judge)
