"""Who may use a device: many at once to judge, one alone to time. Across all processes of this user on the machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .phases import phase

_SHARED_PLACE = Path("/tmp")


class DeviceLock:
    """
    A lock for readers (anything that runs) and one writer (timing). A writer first closes the gate behind itself, so
    that it waits only for those who were there before.
    """

    def __init__(self, device: str) -> None:
        # Not TMPDIR, which may differ between two runs that must not disturb each other.
        place = _SHARED_PLACE if os.access(_SHARED_PLACE, os.W_OK) else Path(tempfile.gettempdir())
        folder = place / f"curate-locks-{os.geteuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.lstat().st_uid != os.geteuid() or folder.is_symlink():
            raise PermissionError(f"{folder} belongs to somebody else")
        self._gate = _open(folder / f"{device}.gate")
        self._main = _open(folder / f"{device}.lock")

    def close(self) -> None:
        """Gives the lock's files back."""
        os.close(self._gate)
        os.close(self._main)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Held while anything of ours runs on the device."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        fcntl.flock(self._main, fcntl.LOCK_SH)
        fcntl.flock(self._gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._main, fcntl.LOCK_UN)

    def give_way(self) -> None:
        """Within `shared`, between two steps: lets a writer go first that waits for everybody to end."""
        try:
            fcntl.flock(self._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with phase("wait_for_device"):
                fcntl.flock(self._main, fcntl.LOCK_UN)
                fcntl.flock(self._gate, fcntl.LOCK_EX)
                fcntl.flock(self._main, fcntl.LOCK_SH)
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within `shared`: waits until nothing else of ours runs on the device, and keeps it so."""
        # Only who holds the gate waits for the lock itself; that order, kept everywhere, is what excludes a deadlock.
        with phase("wait_for_device"):
            fcntl.flock(self._main, fcntl.LOCK_UN)
            fcntl.flock(self._gate, fcntl.LOCK_EX)
            fcntl.flock(self._main, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._main, fcntl.LOCK_SH)
            fcntl.flock(self._gate, fcntl.LOCK_UN)


def _open(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
