"""One finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFUSED, TOLD = 1, 2

TIERS: Final = {
    # Python.
    "replaces-foreign": REFUSED,
    "replaces-code": REFUSED,
    "walks-memory": REFUSED,
    "starts-process": REFUSED,
    "opens-socket": REFUSED,
    "kills-processes": REFUSED,
    "loads-driver": REFUSED,
    "hidden-code": REFUSED,
    "reads-secrets": REFUSED,
    "names-the-judge": REFUSED,
    "forks": TOLD,
    "ends-process": TOLD,
    "walks-frames": TOLD,
    "walks-modules": TOLD,
    "runs-text": TOLD,
    "loads-library": TOLD,
    "opens-file": TOLD,
    "reads-environment": TOLD,
    "starts-thread": TOLD,
    "catches-everything": TOLD,
    "keeps-answers": TOLD,
    "keys-by-address": TOLD,
    "own-stream": TOLD,
    "cuda-graph": TOLD,
    "compiles-torch": TOLD,
    "changes-precision": TOLD,
    "lower-precision": TOLD,
    "compares-shape": TOLD,
    # C++ and CUDA.
    "native-loads-code": REFUSED,
    "native-starts-process": REFUSED,
    "native-opens-socket": REFUSED,
    "native-changes-memory-map": REFUSED,
    "native-replaces-cuda": REFUSED,
    "native-replaces-operator": REFUSED,
    "native-hides-work": REFUSED,
    "native-opens-file": TOLD,
    "native-reads-environment": TOLD,
    "native-starts-thread": TOLD,
    "native-own-stream": TOLD,
    "native-cuda-graph": TOLD,
    "native-keeps-state": TOLD,
    "native-calls-library": TOLD,
    "native-lower-precision": TOLD,
}
"""Every rule with its tier; measured on mined code in `test_static_tags.py` and `validators/README.md`."""


@dataclass(frozen=True, order=True)
class Tag:
    """A rule that matched, and where first."""

    rule: str
    path: str
    line: int

    @property
    def tier(self) -> int:
        """1 for what is refused, 2 for what is told."""
        return TIERS[self.rule]

    def row(self) -> dict:
        """As rows hold it."""
        return {"rule": self.rule, "tier": self.tier, "path": self.path, "line": self.line}
