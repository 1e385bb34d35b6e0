"""
Who does on a GPU what goes on for long before it can give way, such as making a context: few at a time, across all
processes of this user on the machine. The driver makes one context after the other anyway: six that were begun at once
were ready after two seconds, one by itself after half of one, and whoever had the GPU's memory was slower meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_A_TIME = 2
_LOOK_SECONDS = 0.005


class LongSteps:
    """
    The long steps of one GPU, as seen by one judge. Who is about to be alone closes the gate behind itself, and waits
    for those that had begun.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._gate = _open(folder / f"{name}.long")
        self._places = [_open(folder / f"{name}.long-{number}") for number in range(_AT_A_TIME)]
        self._held: list[int] = []

    def enter(self) -> None:
        """Waits until one more may begin."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            self._take(1)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def leave(self) -> None:
        """It has ended."""
        for place in self._held:
            fcntl.flock(place, fcntl.LOCK_UN)
        self._held.clear()

    def is_waited_for(self) -> bool:
        """Whether somebody else waits for one to end, or is alone."""
        try:
            fcntl.flock(self._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._gate, fcntl.LOCK_UN)
        return False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until there is none, and keeps it so."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            self._take(_AT_A_TIME)
            yield
        finally:
            self.leave()
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def close(self) -> None:
        """Gives the files of the locks back."""
        for descriptor in (self._gate, *self._places):
            os.close(descriptor)

    def _take(self, count: int) -> None:
        while True:
            for place in self._places:
                if len(self._held) < count and place not in self._held and _is_taken(place):
                    self._held.append(place)
            if len(self._held) == count:
                return
            time.sleep(_LOOK_SECONDS)


def _is_taken(place: int) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
