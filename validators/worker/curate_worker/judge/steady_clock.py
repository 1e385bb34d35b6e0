"""
Which timed calls the clock of a GPU spoils. One that is hot or short of power is slower for minutes; one that just woke
up is slower for its first calls. Calls that ran slower than others of the same program are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from .samples import Timing

    Pair = tuple[Timing, Timing]

# Of the median clock of a program's calls: what a heavy kernel draws of the power sets its own clock, so reference and
# candidate have one each.
_LEAST_SHARE: Final = 0.95
_MOST_LEFT_OUT: Final = 0.3


@dataclass(frozen=True)
class Clocks:
    """What a GPU said of itself over all timed calls."""

    reference_mhz: float | None
    """Median clock of its SMs after calls of the reference."""
    candidate_mhz: float | None
    temperature_c: int | None
    """The highest."""
    power_w: float | None
    reasons: list[str]
    """What held the clock down in any call."""
    num_left_out: int
    """Pairs that do not count for it."""
    num_pairs: int

    @property
    def is_steady(self) -> bool:
        """Whether most calls ran at the clock that they should have."""
        return self.num_left_out <= _MOST_LEFT_OUT * self.num_pairs

    @property
    def objection(self) -> str | None:
        """Why not; None where it is steady."""
        if self.is_steady:
            return None
        why = ", ".join(self.reasons) or "its clock changed"
        return f"{self.num_left_out} of {self.num_pairs} pairs of calls were slowed down by the GPU itself: {why}"

    def row(self, most_mhz: int | None) -> dict:
        """The `telemetry` field of a row's performance."""
        return {
            "sm_clock_mhz": self.candidate_mhz,
            "reference_sm_clock_mhz": self.reference_mhz,
            "max_sm_clock_mhz": most_mhz,
            "temperature_c": self.temperature_c,
            "power_w": self.power_w,
            "clock_limits": self.reasons,
            "num_left_out": self.num_left_out,
        }


def steady_pairs(pairs: Sequence[Pair]) -> list[Pair]:
    """Those of both of whose calls the GPU was neither slowed down nor slower than usual."""
    usual = [_median([pair[side].reading for pair in pairs]) for side in (0, 1)]
    return [
        pair for pair in pairs if all(_is_steady(timing, median) for timing, median in zip(pair, usual, strict=True))
    ]


def clocks_of(pairs: Sequence[Pair], num_steady: int) -> Clocks | None:
    """What a GPU said over these pairs; None where nobody asked it."""
    readings = [timing.reading for pair in pairs for timing in pair if timing.reading is not None]
    if not readings:
        return None
    reference, candidate = (_median([pair[side].reading for pair in pairs]) for side in (0, 1))
    return Clocks(
        reference,
        candidate,
        max((item.temperature_c for item in readings if item.temperature_c is not None), default=None),
        max((item.power_w for item in readings if item.power_w is not None), default=None),
        sorted({reason for item in readings for reason in item.reasons}),
        len(pairs) - num_steady,
        len(pairs),
    )


def _is_steady(timing: Timing, usual: float | None) -> bool:
    reading = timing.reading
    if reading is None:
        return True
    known = reading.sm_clock_mhz
    return not reading.is_slowed and (known is None or usual is None or known >= _LEAST_SHARE * usual)


def _median(readings: list) -> float | None:
    known = [item.sm_clock_mhz for item in readings if item is not None and item.sm_clock_mhz is not None]
    return float(np.median(known)) if known else None
