"""
Memory that C and C++ take without asking PyTorch: what the allocator gives, and the stack. Both mostly hold zeros in a
process that has not run for long, so that a sum which nobody began with zero is right.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

# malloc.h: M_PERTURB; what is allocated is filled with the complement of this byte, what is freed with the byte itself
# (https://man7.org/linux/man-pages/man3/mallopt.3.html).
_PERTURB: Final = -6
_POISON: Final = 0x80
_ROOM: Final = 1 << 16


class _Room(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_ubyte * _ROOM),)


class _Stack:
    is_poisoned = False


def poison_heap(*, is_on: bool) -> None:
    """From now on, or no longer; the allocator as far as it is glibc's."""
    _Stack.is_poisoned = is_on
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_PERTURB, _POISON if is_on else 0)


def poison_stack() -> None:
    """
    To be called right before a function of C, where the heap is poisoned: leaves no numbers where that will have its
    variables, since an argument that is handed over by value lies there.
    """
    if not _Stack.is_poisoned:
        return
    with contextlib.suppress(OSError, AttributeError):
        function = ctypes.CDLL(None).getppid
        function.argtypes = [_Room]
        function(_Room.from_buffer_copy(b"\xff" * _ROOM))
