"""What one judge works with: its device, its fork server, its builder and how it describes all that in a row."""

from __future__ import annotations

from dataclasses import dataclass

from .builds.builder import Builder
from .device_lock import DeviceLock
from .fork_client import ForkServer, Room

_SCRATCH_BYTES = 512 << 20


@dataclass(frozen=True)
class Station:
    """Everything a judge needs to judge; made once."""

    device: str
    """`cuda` or `cpu`."""
    server: ForkServer
    builder: Builder
    lock: DeviceLock
    environment: dict
    has_triton: bool
    interpreter_does_bfloat16: bool

    def room(self, memory_bytes: int) -> Room:
        """What a runner on this device may use."""
        return Room(None if self.device == "cuda" else memory_bytes, _SCRATCH_BYTES)
