"""An own, unprivileged user id for runners of a judge that runs as root."""

from __future__ import annotations

import os
from pathlib import Path

from . import system_calls as system
from .report import LayerReport

# Below 65534, so that the usual range of container user ids holds it; above what distributions give to people.
_FIRST_USER, _NUM_USERS = 60001, 5000


def private_user() -> int:
    """The user id for runners of this process: differs between judges, so that one cannot signal another's runners."""
    return _FIRST_USER + os.getpid() % _NUM_USERS


def become(user: int, report: LayerReport, needed: list[Path]) -> None:
    """Becomes `user` for good, if this process is root and that user can read what the runner will import."""
    if os.geteuid() != 0:
        report.missing("own-user", "not root, so the runner keeps the user id of the judge")
        return
    unreadable = next((path for path in needed if not _is_readable_by_others(path)), None)
    if unreadable is not None:
        report.missing("own-user", f"other users cannot read {unreadable}")
        return
    try:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        # A process that changed its user owns nothing in its own /proc folder until it is dumpable again.
        system.prctl(system.PR_SET_DUMPABLE, 1)
        report.active("own-user")
    except OSError as error:
        report.missing("own-user", str(error))


def _is_readable_by_others(path: Path) -> bool:
    try:
        place = path.resolve(strict=True)
        reachable = all(folder.stat().st_mode & 0o001 for folder in place.parents)
        return reachable and bool(place.stat().st_mode & 0o004)
    except OSError:
        return False
