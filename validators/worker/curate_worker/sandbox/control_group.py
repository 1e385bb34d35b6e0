"""
A control group per runner: limits for all of its processes together, where the kernel has them and this user may set
them. Limits of single processes hold everywhere, and say nothing of twenty that take as much each.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .limits import OWN_PROCESSES
from .report import LayerReport

LAYER: Final = "control-group"
_ROOT: Final = Path("/sys/fs/cgroup")
# What PyTorch needs on top of what a candidate was given, and pages that a fork makes anew.
_BASE_BYTES: Final = 4 << 30
# Of the machine's, where the candidate's is not limited: CUDA reserves address space.
_SHARE: Final = 0.75
_PREFIX: Final = "curate-"


@dataclass(frozen=True)
class GroupLimits:
    """What all processes of a runner may use together."""

    memory_bytes: int
    max_processes: int


def group_limits(memory_bytes: int | None, scratch_bytes: int) -> GroupLimits:
    """Limits for a runner of which each process may use `memory_bytes`, and files in memory `scratch_bytes`."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    wanted = int(_SHARE * machine) if memory_bytes is None else memory_bytes + scratch_bytes + _BASE_BYTES
    return GroupLimits(wanted, OWN_PROCESSES + 4 * (os.cpu_count() or 1))


def enter_group(limits: GroupLimits, owner: int, report: LayerReport) -> None:
    """Puts this process, and all that it will start, into a group of its own. `owner` is who will remove it."""
    name = f"{_PREFIX}{owner}-{os.getpid()}"
    reasons = []
    for parent, files in _parents(limits):
        try:
            _enter(parent / name, files)
            report.active(LAYER)
        except OSError as error:
            reasons.append(f"{parent}: {error.strerror}")
            with contextlib.suppress(OSError):
                (parent / name).rmdir()
    if not report.is_active(LAYER):
        report.missing(LAYER, "; ".join(reasons) or "there are none here that limit memory or processes")


def remove_groups(owner: int | None = None) -> None:
    """Removes the groups of runners that have ended: those of `owner`, and those of owners that are gone."""
    for parent, _ in _parents(GroupLimits(0, 0)):
        with contextlib.suppress(OSError):
            for group in parent.glob(f"{_PREFIX}*-*"):
                known = group.name.removeprefix(_PREFIX).partition("-")[0]
                if known.isdigit() and (int(known) == owner or not Path(f"/proc/{known}").exists()):
                    with contextlib.suppress(OSError):
                        group.rmdir()


# In version 2 a group has all limits that its parent hands on; in version 1 each kind has groups of its own.
def _parents(limits: GroupLimits) -> Iterator[tuple[Path, dict[str, int]]]:
    own = _own_groups()
    if (_ROOT / "cgroup.controllers").exists():
        files = {"memory.max": limits.memory_bytes, "memory.swap.max": 0, "pids.max": limits.max_processes}
        yield _below(_ROOT, own.get("", "/")), files
        return
    for kind, file, value in (
        ("memory", "memory.limit_in_bytes", limits.memory_bytes),
        ("pids", "pids.max", limits.max_processes),
    ):
        if (_ROOT / kind / "cgroup.procs").exists():
            yield _below(_ROOT / kind, own.get(kind, "/")), {file: value}


# Lines of `number:kinds:path` (https://man7.org/linux/man-pages/man7/cgroups.7.html).
def _own_groups() -> dict[str, str]:
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    return {kind: path for _, kinds, path in lines for kind in kinds.split(",")}


# A container may see its own group as the root and be told its path outside.
def _below(root: Path, path: str) -> Path:
    place = root / path.lstrip("/")
    return place if place.is_dir() else root


# The limit of swap is missing where there is none.
def _enter(group: Path, files: dict[str, int]) -> None:
    group.mkdir()
    for name, value in files.items():
        if name == "memory.swap.max" and not (group / name).exists():
            continue
        (group / name).write_text(str(value))
    (group / "cgroup.procs").write_text(str(os.getpid()))
