"""
What a candidate computes while nobody calls it, such as to slow down the reference that is timed then. Pools of
threads that spin for a while after a parallel loop are asleep by then.
"""

from __future__ import annotations

import time
from pathlib import Path

_PATIENCE_S, _LOOK_S = 0.05, 0.05
_LARGEST_SHARE = 0.25


def works_while_idle(root: int) -> bool:
    """Whether the processes below one use more than a quarter of a processor, some time after the last call."""
    time.sleep(_PATIENCE_S)
    before, start = _processor_ns(root), time.monotonic_ns()
    time.sleep(_LOOK_S)
    return _processor_ns(root) - before > _LARGEST_SHARE * (time.monotonic_ns() - start)


# First field of schedstat: nanoseconds on a processor (https://docs.kernel.org/scheduler/sched-stats.html).
def _processor_ns(root: int) -> int:
    total, waiting, known = 0, [root], set()
    while waiting:
        process = waiting.pop()
        if process in known:
            continue
        known.add(process)
        for thread in _threads(process):
            total += _number_in(thread / "schedstat")
            waiting += _children(thread)
    return total


def _threads(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return []


def _number_in(path: Path) -> int:
    try:
        return int(path.read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return 0


def _children(thread: Path) -> list[int]:
    try:
        return [int(text) for text in (thread / "children").read_text().split()]
    except (OSError, ValueError):
        return []
