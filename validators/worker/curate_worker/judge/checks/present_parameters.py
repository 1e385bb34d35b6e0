"""Whether outputs follow the parameters that a model has now; a candidate that remembers others is refused."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    return evidence.follows_parameters, None


CHECK = Check("present-parameters", 1, _judge)
