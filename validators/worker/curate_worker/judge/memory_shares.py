"""Who may fill a GPU's memory: it is divided into shares, across all processes of this user on the machine."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_COUNT = 16
# What is left to tasks that take no share: contexts of all judges and their programs, and what small tasks take.
_DIVIDED = 0.75
_LOOK_SECONDS = 0.005


class MemoryShares:
    """
    The shares of one GPU, as seen by one judge. Who takes several waits at a gate until it has all of them, so that two
    do not wait for each other's; whoever holds some waits for nothing.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._gate = _open(folder / f"{name}.memory")
        self._shares = [_open(folder / f"{name}.memory-{number}") for number in range(_COUNT)]
        self._held: set[int] = set()

    @property
    def is_holding(self) -> bool:
        """Whether any are taken."""
        return bool(self._held)

    def take(self, num_bytes: float, total_bytes: int) -> None:
        """Waits until as much is free as a task needs, roughly, of a GPU's total; all of it where that is less."""
        count = min(_COUNT, max(1, round(_COUNT * num_bytes / (_DIVIDED * total_bytes))))
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            while len(self._held) < count:
                self._take_free(count)
                if len(self._held) < count:
                    time.sleep(_LOOK_SECONDS)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def give_back(self) -> None:
        """All of them."""
        for number in self._held:
            fcntl.flock(self._shares[number], fcntl.LOCK_UN)
        self._held.clear()

    def close(self) -> None:
        """Gives them back, and their files."""
        for descriptor in (self._gate, *self._shares):
            os.close(descriptor)

    def _take_free(self, count: int) -> None:
        for number in set(range(_COUNT)) - self._held:
            if len(self._held) == count:
                return
            try:
                fcntl.flock(self._shares[number], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            self._held.add(number)


def _open(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
