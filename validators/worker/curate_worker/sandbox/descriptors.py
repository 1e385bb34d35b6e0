"""Leaves a process only the file descriptors it was meant to have."""

from __future__ import annotations

import fcntl
import os

_STANDARD = (0, 1, 2)


def keep_only(targets: dict[int, int]) -> None:
    """Moves descriptors to fixed numbers (`targets`: number to present descriptor) and closes all others."""
    # First out of the way of the wanted numbers, then into place.
    highest = max(targets) + 1
    moved = {number: _duplicate_above(descriptor, highest) for number, descriptor in targets.items()}
    for number, descriptor in moved.items():
        os.dup2(descriptor, number, inheritable=number in _STANDARD)
    close_all_but(set(targets))


def close_all_but(kept: set[int]) -> None:
    """Closes every open descriptor that is not in `kept`."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        descriptor = int(name)
        if descriptor in kept:
            continue
        try:
            os.close(descriptor)
        except OSError:
            continue


def _duplicate_above(descriptor: int, lowest: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, lowest)
