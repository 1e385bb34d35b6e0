"""A judge's runners with memory of the processor for that of a GPU, and with large tensors that are small."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from curate_worker import window
from curate_worker.judge import runner_handle
from curate_worker.judge.fork_client import Room, Started
from curate_worker.judge.runner_handle import RunnerHandle
from host_memory import HostMemory
from lent_to import fork_runner

LARGE = 10_000
_WINDOW = 4096


class Memories:
    """All that was allocated, the window first."""

    def __init__(self) -> None:
        self.made: list[HostMemory] = []
        self.is_full = False
        self.num_refused = 0

    def allocate(self, num_bytes: int) -> HostMemory:
        if self.is_full:
            self.num_refused += 1
            raise OSError("the CUDA driver answered 2 to a request for shared memory")
        self.made.append(HostMemory.allocate(num_bytes))
        return self.made[-1]

    @property
    def chunks(self) -> list[HostMemory]:
        return self.made[1:]


class Lending:
    """Starts real processes that do what they are told (lent_to.py)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.memories = Memories()
        self._folder = folder
        self._processes: list[int] = []
        monkeypatch.setattr(runner_handle, "WINDOW_BYTES", _WINDOW)
        monkeypatch.setattr(runner_handle.GpuMemory, "allocate", self.memories.allocate)
        monkeypatch.setattr(runner_handle, "start_sharing", self._start_sharing)
        monkeypatch.setattr(window, "_LARGE_BYTES", LARGE)

    def start(self) -> RunnerHandle:
        return RunnerHandle(None, Room(None, 0, shares_gpu=True), 60.0)

    def close(self) -> None:
        for process in self._processes:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    def _start_sharing(self, server: object, room: Room, memory: HostMemory, page: None) -> Started:
        del server, room, page
        ours, theirs = socket.socketpair()
        output, output_write = os.pipe()
        status, status_write = os.pipe()
        self._processes.append(fork_runner(theirs, memory, {output_write, status_write}))
        theirs.close()
        for descriptor in (output_write, status_write):
            os.close(descriptor)
        scratch = self._folder / f"scratch{len(self._processes)}"
        scratch.mkdir()
        return Started(self._processes[-1], None, ours, output, status, scratch)
