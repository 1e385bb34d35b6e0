"""Baselines by task and device, on disk: whoever judges another candidate of the task need not measure them again."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from .device_lock import DeviceLocks
from .requests import Task, Workload

# Raised by every change of how baselines are measured.
_FORMAT: Final = 1
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Baseline:
    """What one baseline takes on one workload, or why nobody knows."""

    name: str
    latency_ms: float | None = None
    reference_latency_ms: float | None = None
    """Of eager mode beside it."""
    speedup: float | None = None
    """Over eager mode, with the ends of its 95 % interval."""
    ci_low: float | None = None
    ci_high: float | None = None
    reason: str | None = None
    """Why there are no figures."""


def baseline_key(task: Task, workload: Workload, name: str, environment: dict) -> str:
    """What a baseline is known by: its program and what it runs on."""
    place = [environment["hardware"], environment["driver"], sorted(environment["libraries"].items())]
    text = json.dumps([_FORMAT, task.reference, sorted(workload.axes.items()), name, place])
    return hashlib.sha256(text.encode()).hexdigest()


class BaselineCache:
    """A folder of baselines, shared by all judges of a work directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, key: str, locks: DeviceLocks) -> Iterator[Path]:
        """
        Where a baseline lies, while nobody else measures it. Who holds it waits for its device, so who waits for it
        gives way; who is alone on the device does not wait.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{key}.json"
        descriptor = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            while not _lock(descriptor) and not locks.is_alone:
                locks.give_way()
                time.sleep(_POLL_SECONDS)
            yield path
        finally:
            os.close(descriptor)

    def read(self, path: Path) -> Baseline | None:
        """What was measured; None where there is nothing, or nothing that can be read."""
        try:
            return Baseline(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path, baseline: Baseline) -> None:
        """Keeps what was measured: there whole or not at all."""
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        aside.write_text(json.dumps(asdict(baseline)))
        aside.rename(path)


def _lock(descriptor: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
