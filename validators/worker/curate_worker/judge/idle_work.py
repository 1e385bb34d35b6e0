"""
What a candidate computes while nobody calls it, such as to slow down the reference that is timed then. Pools of
threads that spin for a while after a parallel loop are asleep by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from .processor_time import is_at_rest, ran_by_thread, ran_ns

_PATIENCE_S, _LOOK_S = 0.05, 0.05
_LARGEST_SHARE = 0.25
# Longer than threads spin that wait for the next parallel loop: some milliseconds of GNU's OpenMP
# (https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html), 200 of Intel's and LLVM's (KMP_BLOCKTIME).
_SPIN_S, _STEP_S = 0.3, 0.0005
_BUSY_SHARE = 0.5
# On a busy machine threads get less of it, and less is enough: GNU's spin for 8 ms of a processor's time, and what
# spins by the clock sleeps by then.
_LONGEST_SPIN_NS, _STARVED_S = 40_000_000, 1.0


def works_while_idle(root: int, meanwhile: Callable[[], object] | None = None) -> bool:
    """
    Whether the processes below one use more than a quarter of a processor, some time after the last call. What is done
    `meanwhile` asks nothing of them.
    """
    called = time.monotonic()
    if meanwhile is not None:
        meanwhile()
    time.sleep(max(0.0, called + _PATIENCE_S - time.monotonic()))
    before, start = ran_ns(root), time.monotonic_ns()
    time.sleep(_LOOK_S)
    return ran_ns(root) - before > _LARGEST_SHARE * (time.monotonic_ns() - start)


class Rest(Enum):
    """What became of waiting for a candidate's threads to sleep."""

    CAME = "came"
    DID_NOT_COME = "did not come"
    """They hardly got a processor meanwhile, so nothing is known."""
    REFUSED = "refused"
    """They computed on, longer than any thread spins."""


def wait_for_rest(root: int) -> Rest:
    """
    Waits until all threads of the processes below one sleep, as long as threads may spin after a parallel loop, and
    where others have the processor until it is known whether they do no more than that.
    """
    start, before = time.monotonic_ns(), ran_by_thread(root)
    while not is_at_rest(root):
        elapsed = time.monotonic_ns() - start
        if elapsed > _SPIN_S * 1e9:
            ran = [ran_ns - before.get(thread, 0) for thread, ran_ns in ran_by_thread(root).items()]
            if sum(ran) > _BUSY_SHARE * _SPIN_S * 1e9 or max(ran, default=0) > _LONGEST_SPIN_NS:
                return Rest.REFUSED
            if elapsed > _STARVED_S * 1e9:
                return Rest.DID_NOT_COME
        time.sleep(_STEP_S)
    return Rest.CAME
