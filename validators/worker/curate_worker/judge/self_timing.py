"""
Once an hour a program is timed against itself, through all that a candidate goes through. Where the ratio is not 1, so
much is wrong with the device or the clocks that no other ratio is believed either, until it is 1 again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .device_lock import PROCESSOR

_HOUR: Final = 3600.0
_SOON: Final = 300.0
# Six times on an H200 all were within 0.05 %; processes of one program differ by more on a busy processor.
_LIMIT_ON_GPU, _LIMIT_ON_PROCESSOR = 0.01, 0.05
_ATTEMPTS: Final = 2

Ratio = tuple[float, float, float]
"""Lower end of the 95 % interval, middle, upper end."""


@dataclass
class SelfTiming:
    """What is known of one device."""

    device: str
    clock: Callable[[], float] = time.monotonic
    latest: Ratio | None = None
    is_good: bool | None = None
    """None before the first time, and where the device was too busy."""
    _is_measuring: bool = False
    _events: list[dict] = field(default_factory=list)
    _due: float = field(init=False)

    def __post_init__(self) -> None:
        self._due = self.clock() + _HOUR

    def run_if_due(self, measure: Callable[[], Ratio | None]) -> None:
        """Measures where it is time to; twice before it says that something is wrong."""
        if self.clock() < self._due:
            return
        self._is_measuring = True
        try:
            for _ in range(_ATTEMPTS):
                self._note(measure())
                if self.is_good is not False:
                    break
        finally:
            self._is_measuring = False
        self._due = self.clock() + (_SOON if self.is_good is False else _HOUR)

    # Who was too busy to be measured is neither good nor bad, but what was bad stays so.
    def _note(self, ratio: Ratio | None) -> None:
        if ratio is not None:
            low, middle, high = self.latest = ratio
            limit = _LIMIT_ON_PROCESSOR if self.device == PROCESSOR else _LIMIT_ON_GPU
            self.is_good = low <= 1 + limit and high >= 1 - limit
            event = {"device": self.device, "ratio": middle, "ci_low": low, "ci_high": high}
            self._events.append({**event, "is_good": self.is_good})

    def take_events(self) -> list[dict]:
        """What was measured since the last look."""
        events, self._events = self._events, []
        return events

    @property
    def objection(self) -> str | None:
        """Why no ratio is believed; None where they are, and while it is found out whether they are to be."""
        if self.is_good is not False or self.latest is None or self._is_measuring:
            return None
        low, middle, high = self.latest
        return f"a program timed against itself was {middle:.3f} times as fast ({low:.3f} to {high:.3f})"
