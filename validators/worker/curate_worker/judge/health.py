"""
Whether a GPU still computes: what a candidate that was killed left behind must be gone before the next one is judged,
and a GPU that hangs, or computes something else than it should, judges nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import torch

from .device_lock import PROCESSOR
from .faults import MachineFault
from .phases import phase

# A driver takes seconds to clear up after a process that was killed in the middle of a kernel.
_PATIENCE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.002
_NUMBERS, _ROUNDS = 1 << 22, 20


def may_be_ill(rows: list[dict], num_starts: int, *, is_running: bool) -> bool:
    """
    Whether a candidate may have left the device as it must not be, by its rows, how often its process was started, and
    whether that still runs.
    """
    # Views and other sizes, which are looked at when a candidate has passed, may end its process and change no verdict.
    ended_late = not is_running and any(row["status"] == "PASSED" for row in rows)
    return num_starts > 1 or ended_late or any(map(_leaves_traces, rows))


# A process that was killed, or whose context was lost.
def _leaves_traces(row: dict) -> bool:
    cause = row["cause"] or ""
    return cause in ("TIMEOUT", "CRASH", "NO_OUTPUT", "OOM") or cause.startswith("CUDA_")


def require_healthy(device: str) -> None:
    """Some milliseconds of work whose result is known. Raises MachineFault; a processor is believed."""
    if device != PROCESSOR:
        with phase("health"):
            require_right(_start_on_gpu, _PATIENCE_SECONDS)


Probe = Callable[[], Callable[[], bool | None]]
"""Starts work, and gives what says whether it came out right; None while it is not done."""


def require_right(probe: Probe, seconds: float) -> None:
    """Tries until there is room for it. Raises MachineFault where it fails, is wrong, or is not done in time."""
    deadline = time.monotonic() + seconds
    problem = "its memory is not given back"
    while True:
        try:
            is_right = _wait(probe(), deadline)
        except torch.OutOfMemoryError as error:
            problem = f"its memory is not given back: {_first_line(error)}"
        except RuntimeError as error:
            raise MachineFault("device_unhealthy", _first_line(error)) from error
        else:
            if is_right:
                return
            problem = "it hangs" if is_right is None else "it computes something else than it should"
            raise MachineFault("device_unhealthy", f"{problem} ({_ROUNDS} times {_NUMBERS} whole numbers)")
        if time.monotonic() > deadline:
            raise MachineFault("device_unhealthy", problem)
        time.sleep(_LOOK_SECONDS)


def _wait(is_right: Callable[[], bool | None], deadline: float) -> bool | None:
    while True:
        finding = is_right()
        if finding is not None or time.monotonic() > deadline:
            return finding
        time.sleep(_LOOK_SECONDS)


# x * x - (x - 1) * (x + 1) is one, whatever overflows. No product of matrices: the library for those takes a while.
def _start_on_gpu() -> Callable[[], bool | None]:
    numbers = torch.arange(_NUMBERS, device="cuda")
    ones = [numbers * numbers - (numbers - 1) * (numbers + 1) for _ in range(_ROUNDS)]
    wrong = torch.stack([(item != 1).any() for item in ones]).any()
    done = torch.cuda.Event()
    done.record()

    def is_right() -> bool | None:
        return not bool(wrong) if done.query() else None

    return is_right


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
