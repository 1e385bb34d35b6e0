"""
What the allocator of C does with memory that is freed: it keeps more of it than it would. Given back to the kernel and
taken anew it is zeroed page by page, a millisecond for 4 MB, in some calls of a program and not in others: the same
program took 0.38 ms in one process and 1.7 in the next. On a GPU PyTorch keeps what is freed as well.
"""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path
from typing import Final

# malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD; the second may be 32 MiB at most
# (https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html).
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = 256 << 20
_LARGEST_BYTES: Final = 32 << 20


def keep_freed_memory() -> None:
    """Of this process and of those that it forks; does nothing where the allocator is another one."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES)


# MADV_COLLAPSE of linux/mman.h, from Linux 6.1 on: https://www.man7.org/linux/man-pages/man2/madvise.2.html
_COLLAPSE: Final = 25
_LARGE_PAGE: Final = 2 << 20
_PERMISSIONS, _PATH, _NUM_FIELDS = 1, 5, 6


def gather_memory() -> None:
    """
    Has the memory of this process put into large pages, where the kernel does that: it copies the table of a process's
    pages for each fork, 14 ms of a processor for the 40,000 small ones of PyTorch, and 4 for these.
    """
    with contextlib.suppress(OSError, AttributeError, ValueError):
        library = ctypes.CDLL(None)
        for line in Path("/proc/self/maps").read_text().splitlines():
            fields = line.split()
            is_own = len(fields) < _NUM_FIELDS or fields[_PATH] == "[heap]"
            start, end = (int(place, 16) for place in fields[0].split("-"))
            start, end = -(-start // _LARGE_PAGE) * _LARGE_PAGE, end // _LARGE_PAGE * _LARGE_PAGE
            if is_own and fields[_PERMISSIONS] == "rw-p" and start < end:
                library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _COLLAPSE)
