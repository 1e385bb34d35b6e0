"""Memory of the processor that two processes see: it stands where memory of a GPU stands, and behaves as that does."""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Callable

import numpy as np
import torch


class HostMemory:
    """What `GpuMemory` is, on the processor."""

    def __init__(self, descriptor: int, num_bytes: int) -> None:
        self._descriptor = os.dup(descriptor)
        self._array = np.frombuffer(mmap.mmap(descriptor, num_bytes), dtype=np.uint8)
        self.bytes = torch.from_numpy(self._array)
        self.is_closed = False

    @classmethod
    def allocate(cls, num_bytes: int) -> HostMemory:
        descriptor = os.memfd_create("memory")
        os.ftruncate(descriptor, num_bytes)
        try:
            return cls(descriptor, num_bytes)
        finally:
            os.close(descriptor)

    @classmethod
    def of_descriptor(cls, descriptor: int, num_bytes: int) -> HostMemory:
        return cls(descriptor, num_bytes)

    def export(self) -> int:
        return os.dup(self._descriptor)

    def loan(self, num_bytes: int, returned: Callable[[], None]) -> torch.Tensor:
        owner = self._array[:num_bytes]
        weakref.finalize(owner, returned).atexit = False
        return torch.from_numpy(owner)

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True
        os.close(self._descriptor)
