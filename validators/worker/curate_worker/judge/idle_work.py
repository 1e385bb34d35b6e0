"""
What a candidate computes while nobody calls it, such as to slow down the reference that is timed then. Pools of
threads that spin for a while after a parallel loop are asleep by then.
"""

from __future__ import annotations

import time
from enum import Enum

from .processor_time import is_at_rest, ran_ns

_PATIENCE_S, _LOOK_S = 0.05, 0.05
_LARGEST_SHARE = 0.25
# Longer than threads spin that wait for the next parallel loop: some milliseconds of GNU's OpenMP
# (https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html), 200 of Intel's and LLVM's (KMP_BLOCKTIME).
_SPIN_S, _STEP_S = 0.3, 0.0005
_BUSY_SHARE = 0.5


def works_while_idle(root: int) -> bool:
    """Whether the processes below one use more than a quarter of a processor, some time after the last call."""
    time.sleep(_PATIENCE_S)
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
    """Waits until all threads of the processes below one sleep, as long as threads may spin after a parallel loop."""
    start, before = time.monotonic_ns(), ran_ns(root)
    while not is_at_rest(root):
        elapsed = time.monotonic_ns() - start
        if elapsed > _SPIN_S * 1e9:
            return Rest.REFUSED if ran_ns(root) - before > _BUSY_SHARE * elapsed else Rest.DID_NOT_COME
        time.sleep(_STEP_S)
    return Rest.CAME
