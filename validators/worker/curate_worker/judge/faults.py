"""How judging ends early: with a verdict, or with a failure of the machine."""

from __future__ import annotations

import errno
from dataclasses import dataclass


@dataclass
class Verdict(Exception):  # noqa: N818
    """A finding that ends the judging of one candidate on one workload. `blame` is `candidate`, `task` or None."""

    status: str
    stage: str
    cause: str
    blame: str | None
    log: str
    proved_on: str | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.stage}.{self.cause}"


class MachineFault(Exception):  # noqa: N818
    """Something this machine failed at: never a verdict, and worth another try."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RunnerLost(Exception):  # noqa: N818
    """A runner ended, closed its channel or broke the protocol before it answered."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        """`signal`, `exited`, `forged`, `timeout`, `too_large`, `closed`."""


def fault_of(error: OSError) -> MachineFault:
    """What an error of the system says of the machine."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return MachineFault("disk_full" if full else "judge_failed", str(error))
