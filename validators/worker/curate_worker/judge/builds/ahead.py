"""Builds what candidates will want while others are judged, so that judging finds it in the cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing

from ..device_lock import PROCESSOR, DeviceLocks
from ..faults import MachineFault, Verdict
from ..prepared import add_build, add_kernels, build_extensions, prepare, record, wants_builds
from ..requests import Preparation
from ..station import Station

# Compiling against PyTorch's headers takes up to 2 GB.
_MEMORY_PER_BUILD = 3 << 30
# While a GPU is judged on, its judges need processors: 56 candidates were judged in 131 s with compilers on all 16, and
# in 125 with half as many, although the last build ended later.
_SHARE_BESIDE_GPU = 2


class BuildAhead:
    """
    Threads that build. A build keeps timing on the processor waiting and does not start while there is any: compilers
    would take the time that is measured.
    """

    def __init__(self, station: Station, builders: int) -> None:
        self._station = station
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        share = 1 if station.device == PROCESSOR else _SHARE_BESIDE_GPU
        count = max(1, min(builders // share, memory // _MEMORY_PER_BUILD))
        self._threads = ThreadPoolExecutor(count, "build-ahead")
        # Candidates in Triton wait for nothing, so they are judged first: a second of work shall not wait for ten.
        is_shared = station.device == PROCESSOR
        self._rehearsing = self._threads if is_shared else ThreadPoolExecutor(1, "rehearse-ahead")
        self._queued: list[Future] = []

    def add(self, preparation: Preparation) -> None:
        """Queues a candidate."""
        self._queued.append(self._rehearsing.submit(self._do, self._rehearse, preparation))
        self._queued.append(self._threads.submit(self._do, self._build, preparation))

    def settle(self) -> None:
        """Waits until everything that was queued is built."""
        wait(self._queued)
        self._queued.clear()

    def close(self) -> None:
        """Forgets what is queued; what is being built ends with the fork server."""
        for threads in (self._threads, self._rehearsing):
            threads.shutdown(wait=False, cancel_futures=True)

    def _do(self, work: Callable[[Preparation], None], preparation: Preparation) -> None:
        try:
            # A lock of its own: a descriptor holds it once, however many threads ask.
            with closing(DeviceLocks({PROCESSOR: PROCESSOR})) as locks, locks.shared():
                work(preparation)
        except (Verdict, MachineFault, OSError):
            # Whoever judges the candidate meets it again, and says so.
            return

    def _rehearse(self, preparation: Preparation) -> None:
        if self._station.kernels is not None and prepare(self._station, preparation.candidate).wants_kernels_ahead:
            self._station.kernels.compile(preparation)

    def _build(self, preparation: Preparation) -> None:
        candidate, settings = preparation.candidate, preparation.settings
        prepared = prepare(self._station, candidate)
        if prepared.plan is not None:
            add_kernels(self._station, settings, prepared, prepared.plan)
        elif candidate.is_native:
            build_extensions(self._station, settings, prepared)
        elif wants_builds(candidate):
            specs = record(self._station, settings, prepared)
            self._station.recordings.keep(candidate.key(), specs)
            for spec in specs:
                add_build(self._station, settings, prepared, spec)
