"""
What the kernel counts of the threads of a process and of all below it: seen from outside, where a candidate cannot
change it (https://docs.kernel.org/scheduler/sched-stats.html, the fields of schedstat).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_RAN, _WAITED = 0, 1


def ran_ns(root: int) -> int:
    """Nanoseconds on a processor, of all threads together."""
    return _total(root, _RAN)


def ran_by_thread(root: int) -> dict[Path, int]:
    """The same of each thread."""
    return {thread: _number_in(thread / "schedstat", _RAN) for thread in _all_threads(root)}


def waited_ns(root: int) -> int:
    """Nanoseconds of being ready to run while others had the processor, of all threads together."""
    return _total(root, _WAITED)


def is_at_rest(root: int) -> bool:
    """Whether no thread is on a processor or would be, if others left it one."""
    return not any(_is_runnable(thread) for thread in _all_threads(root))


def processes_below(root: int) -> list[int]:
    """Ids of all processes that it has started, and those have."""
    return [process for process in _tree(root) if process != root]


def _total(root: int, field: int) -> int:
    return sum(_number_in(thread / "schedstat", field) for thread in _all_threads(root))


def _all_threads(root: int) -> Iterator[Path]:
    for process in _tree(root):
        yield from _threads(process)


def _tree(root: int) -> Iterator[int]:
    waiting, known = [root], set()
    while waiting:
        process = waiting.pop()
        if process in known:
            continue
        known.add(process)
        yield process
        for thread in _threads(process):
            waiting += _children(thread)


# The state comes after the name, which may hold brackets itself (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
def _is_runnable(thread: Path) -> bool:
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    except (OSError, IndexError):
        return False


def _threads(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return []


def _number_in(path: Path, field: int) -> int:
    try:
        return int(path.read_text().split()[field])
    except (OSError, IndexError, ValueError):
        return 0


def _children(thread: Path) -> list[int]:
    try:
        return [int(text) for text in (thread / "children").read_text().split()]
    except (OSError, ValueError):
        return []
