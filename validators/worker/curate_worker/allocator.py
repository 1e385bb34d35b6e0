"""What PyTorch's allocator has of a GPU. Its own functions sort all counts, which takes a part of a millisecond."""

from __future__ import annotations

import torch

MUCH_MEMORY = 1 << 30
"""Less is not worth giving back: it takes milliseconds, and as many to be given again."""


def kept_bytes() -> int:
    """What it keeps, for later and for tensors that there are."""
    return _current("reserved_bytes")


def unused_bytes() -> int:
    """What it keeps for later."""
    return _current("reserved_bytes") - _current("allocated_bytes")


# Nothing where no GPU was used yet.
def _current(name: str) -> int:
    counts = torch.cuda.memory.memory_stats_as_nested_dict()
    return counts[name]["all"]["current"] if counts else 0
