"""Starts a runner that shares memory with the judge."""

from __future__ import annotations

import os

from ..gpu_memory import GpuMemory
from ..turnstile import TURNSTILE
from ..window import WINDOW
from .fork_client import ForkServer, Room, Started


def start_sharing(server: ForkServer, room: Room, memory: GpuMemory | None, page: int | None) -> Started:
    """
    Starts a process that is given a GPU's memory for tensors and the page of a turnstile, by its descriptor, which is
    closed here. Raises a MachineFault where none can be started.
    """
    shared = {} if page is None else {TURNSTILE: page}
    try:
        if memory is None:
            return server.start(room, shared)
        shared[WINDOW] = memory.export()
        return server.start(room, shared, memory.bytes.numel())
    finally:
        for descriptor in shared.values():
            os.close(descriptor)
