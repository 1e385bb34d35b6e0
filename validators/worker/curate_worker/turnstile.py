"""
Compiling takes seconds of the processor and nothing of the GPU. One page that judge and runner both see lets others of
the machine time meanwhile: the runner says that it compiles, the judge that the device is somebody else's.

Each side writes its own mark before it reads the other's, so that they cannot miss each other (Dekker). A
program that lies about it disturbs a neighbour's timing, of both sides of the comparison, and no verdict.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

TURNSTILE = 6
"""The descriptor of the page in a runner."""

_COMPILES, _TAKEN = 0, 1
# Far longer than a write takes to be seen by another processor.
_SETTLED_SECONDS = 0.002
_LOOK_SECONDS = 0.001


class Turnstile:
    """The page, from either side."""

    def __init__(self, descriptor: int) -> None:
        self._page = mmap.mmap(descriptor, mmap.PAGESIZE)

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """The runner's side: what happens within it needs no GPU; what comes after waits until the device is free."""
        self._page[_COMPILES] = 1
        try:
            yield
        finally:
            self._page[_COMPILES] = 0
            while self._page[_TAKEN]:
                time.sleep(_LOOK_SECONDS)

    def take(self) -> bool:
        """The judge's side: whether the runner compiles, and then keeps off the GPU until `give_back`."""
        if not self._page[_COMPILES]:
            return False
        self._page[_TAKEN] = 1
        time.sleep(_SETTLED_SECONDS)
        if self._page[_COMPILES]:
            return True
        self.give_back()
        return False

    def give_back(self) -> None:
        """The device is the runner's again."""
        self._page[_TAKEN] = 0

    def close(self) -> None:
        """Unmaps the page."""
        self._page.close()


def new_page() -> int:
    """A descriptor of a new page; the caller closes it."""
    descriptor = os.memfd_create("turnstile", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, mmap.PAGESIZE)
    return descriptor
