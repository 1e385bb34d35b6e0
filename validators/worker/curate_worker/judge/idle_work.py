"""
What a candidate computes while nobody calls it, such as to slow down the reference that is timed then. Pools of
threads that spin for a while after a parallel loop are asleep by then.
"""

from __future__ import annotations

import time

from .processor_time import ran_ns

_PATIENCE_S, _LOOK_S = 0.05, 0.05
_LARGEST_SHARE = 0.25


def works_while_idle(root: int) -> bool:
    """Whether the processes below one use more than a quarter of a processor, some time after the last call."""
    time.sleep(_PATIENCE_S)
    before, start = ran_ns(root), time.monotonic_ns()
    time.sleep(_LOOK_S)
    return ran_ns(root) - before > _LARGEST_SHARE * (time.monotonic_ns() - start)
