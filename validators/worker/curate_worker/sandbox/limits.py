"""Resource limits of a runner."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from .report import LayerReport

# Python, OpenMP's pool and a compiler's children fit; a fork bomb does not.
OWN_PROCESSES = 96
_MAX_OPEN_FILES = 1024
_MAX_FILE_BYTES = 2 << 30


@dataclass(frozen=True)
class Limits:
    """What one runner may use; `memory_bytes` is None where the address space must stay free (CUDA reserves it)."""

    memory_bytes: int | None
    max_processes: int


def process_limit() -> int:
    """Processes and threads a runner may have: the allowance plus what its user runs already, which counts as well."""
    cores = os.cpu_count() or 1
    return OWN_PROCESSES + 4 * cores + _tasks_of(os.geteuid())


def apply_limits(limits: Limits, report: LayerReport) -> None:
    """Sets the limits of this process and of all that it will start."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _MAX_OPEN_FILES,
        resource.RLIMIT_FSIZE: _MAX_FILE_BYTES,
        resource.RLIMIT_NPROC: limits.max_processes,
    }
    if limits.memory_bytes is not None:
        wanted[resource.RLIMIT_AS] = _address_space() + limits.memory_bytes
    try:
        for kind, value in wanted.items():
            _, hard = resource.getrlimit(kind)
            capped = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (capped, capped))
        report.active("resource-limits")
    except (OSError, ValueError) as error:
        report.missing("resource-limits", str(error))
    if limits.memory_bytes is None:
        report.missing("memory-limit", "CUDA reserves address space, so it cannot be limited")
    else:
        report.active("memory-limit")


# What the fork server mapped already is no merit or fault of the candidate.
def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _tasks_of(user: int) -> int:
    count = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if folder.stat().st_uid == user:
                count += len(list((folder / "task").iterdir()))
        except OSError:
            continue
    return count
