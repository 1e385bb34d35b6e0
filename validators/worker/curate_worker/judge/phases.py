"""Where a judge's seconds go: phases that exclude one another, an inner one pausing the outer."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

_OTHER = "other"
_here = threading.local()


class PhaseClock:
    """Seconds by phase, of one thread."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._names = [_OTHER]
        self._since = time.monotonic()

    def enter(self, name: str) -> None:
        """Starts a phase within the present one."""
        self._turn()
        self._names.append(name)

    def leave(self) -> None:
        """Goes back to the phase before."""
        self._turn()
        self._names.pop()

    def stop(self) -> dict[str, float]:
        """All phases, rounded to milliseconds."""
        self._turn()
        return {name: round(seconds, 3) for name, seconds in sorted(self.seconds.items())}

    def _turn(self) -> None:
        now = time.monotonic()
        self.seconds[self._names[-1]] += now - self._since
        self._since = now


@contextmanager
def timed_phases() -> Iterator[PhaseClock]:
    """Within it, `phase` of this thread counts."""
    _here.clock = PhaseClock()
    try:
        yield _here.clock
    finally:
        _here.clock = None


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Counts what happens within it as `name`; does nothing in threads that nobody times."""
    clock: PhaseClock | None = getattr(_here, "clock", None)
    if clock is None:
        yield
        return
    clock.enter(name)
    try:
        yield
    finally:
        clock.leave()
