"""An own, unprivileged user id for runners of a judge that runs as root."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from . import system_calls as system
from .report import LayerReport

# Below 65534, so that the usual range of container user ids holds it; above what distributions give to people.
_FIRST_USER, _NUM_USERS = 60001, 5000


def private_user(folder: Path) -> int:
    """
    The user id for runners of this process: differs between judges, so that one cannot signal another's runners. It is
    the own one where this process is not root or its container knows no other. `folder` is a place to try it in.
    """
    if os.geteuid() != 0:
        return os.geteuid()
    user = _FIRST_USER + os.getpid() % _NUM_USERS
    trial = folder / "user"
    trial.touch()
    try:
        os.chown(trial, user, user)
    except OSError:
        return 0
    finally:
        trial.unlink()
    return user


def become(user: int, report: LayerReport, needed: list[Path], scratch: Path) -> None:
    """Becomes `user` for good, if this process is root and that user can use what the runner will need."""
    if os.geteuid() != 0 or user == 0:
        reason = "the judge is not root" if os.geteuid() != 0 else "the container knows no other users"
        report.missing("own-user", f"{reason}, so the runner keeps its user id")
        return
    unreadable = next((path for path in needed if not _is_usable_by_others(path)), None)
    if unreadable is None and not _is_reachable_by_others(scratch):
        unreadable = scratch
    if unreadable is not None:
        report.missing("own-user", f"other users cannot use {unreadable}")
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


def _is_usable_by_others(path: Path) -> bool:
    wanted = stat.S_IROTH | (stat.S_IWOTH if path.is_char_device() else 0)
    try:
        return _is_reachable_by_others(path) and path.resolve().stat().st_mode & wanted == wanted
    except OSError:
        return False


def _is_reachable_by_others(path: Path) -> bool:
    try:
        return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)
    except OSError:
        return False
