"""Who may use a device: many at once to judge, one alone to time. Across all processes of this user on the machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .memory_shares import MemoryShares
from .phases import phase

_SHARED_PLACE = Path("/tmp")
PROCESSOR = "cpu"


class DeviceLocks:
    """
    The locks of the devices that one judge works with: `names` by device, the processor's as `cpu`.

    Nobody waits while holding what somebody else may wait for: everything is given back before anything is waited for,
    and taken in one order, long steps first and the processor before a GPU. Two judges that each hold the processor and
    a GPU, one about to time on the first, the other on the second, would otherwise wait for each other.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self._alone_on: str | None = None
        self._is_in_long_step = False
        self._is_off_gpu = False
        self._is_inside = False
        """Whether somebody is within `shared`. Who is not holds nothing, so he gives nothing back and takes nothing."""
        self._memory = MemoryShares(_folder(), "-".join(sorted(names.values())))
        self._locks = {
            device: _DeviceLock(names[device]) for device in sorted(names, key=lambda name: name != PROCESSOR)
        }
        self._long = {device: _DeviceLock(f"{names[device]}-long") for device in sorted(names) if device != PROCESSOR}

    def close(self) -> None:
        """Gives the files of the locks back."""
        for lock in (self._memory, *self._locks.values(), *self._long.values()):
            lock.close()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Held while anything of ours runs on any of the devices."""
        self._is_inside = True
        self._enter()
        try:
            yield
        finally:
            self._leave()
            self._is_inside = False

    @contextmanager
    def off_gpu(self) -> Iterator[None]:
        """
        Within `shared`, around what needs no GPU, such as compiling: whoever times there need not wait for it; timing
        on the processor does.
        """
        gpus = [lock for name, lock in self._locks.items() if name != PROCESSOR]
        if self._alone_on is not None or self._is_off_gpu or not gpus or not self._is_inside:
            yield
            return
        for lock in gpus:
            lock.leave()
        self._is_off_gpu = True
        try:
            yield
        finally:
            self._is_off_gpu = False
            with phase("wait_for_device"):
                for lock in gpus:
                    lock.enter()

    @contextmanager
    def long_step(self) -> Iterator[None]:
        """
        Within `shared`, around what goes on for long before it can give way, such as making a context. It is not begun
        while somebody is about to be alone on a GPU: he would wait for its end, and everybody else with him. Who is
        about to be keeps nobody from shorter steps until all long ones have ended.
        """
        if self._alone_on is not None or self._is_off_gpu or self._is_in_long_step or not self._is_inside:
            yield
            return
        self._leave()
        self._is_in_long_step = True
        with phase("wait_for_device"):
            self._enter()
        try:
            yield
        finally:
            self._leave_long()
            self._is_in_long_step = False

    def is_waited_for(self) -> bool:
        """Within `shared`: whether somebody else waits to be alone."""
        long = self._long.values() if self._is_in_long_step else ()
        return (
            self._is_inside
            and self._alone_on is None
            and not self._is_off_gpu
            and any(lock.is_waited_for() for lock in (*long, *self._locks.values()))
        )

    def give_way(self) -> None:
        """Within `shared`, between two steps: lets writers go first that wait for everybody; a writer stays."""
        if self.is_waited_for():
            self._leave()
            with phase("wait_for_device"):
                self._enter()

    @property
    def is_alone(self) -> bool:
        """Whether this judge keeps a device from all others."""
        return self._alone_on is not None

    @property
    def holds_memory(self) -> bool:
        """Whether this judge has a task that needs much of a GPU's memory."""
        return self._memory.is_holding

    def take_memory(self, num_bytes: float, total_bytes: int) -> None:
        """
        Within `shared`: waits until other judges leave as much of the GPU's memory. Whoever has some, or is alone on a
        device, waits for nobody.
        """
        if self.holds_memory or self._alone_on is not None:
            return
        self._leave()
        with phase("wait_for_memory"):
            self._memory.take(num_bytes, total_bytes)
            self._enter()

    def give_memory_back(self) -> None:
        """What was taken is free again."""
        self._memory.give_back()

    @contextmanager
    def alone(self, device: str) -> Iterator[None]:
        """
        Within `shared`: waits until nothing else of ours runs on the device, and keeps it so. A GPU's programs are
        launched by the processor, so whoever times there waits as well; who times on the processor needs no GPU.
        """
        if self._alone_on == device:
            yield
            return
        self._leave()
        with phase("wait_for_device"), ExitStack() as taken:
            if device in self._long:
                taken.enter_context(self._long[device].alone())
            for name, lock in self._locks.items():
                if name == device:
                    taken.enter_context(lock.alone())
                    break
                taken.enter_context(lock.shared())
            held = taken.pop_all()
        self._alone_on = device
        try:
            yield
        finally:
            self._alone_on = None
            held.close()
            with phase("wait_for_device"):
                self._enter()

    def _enter(self) -> None:
        for lock in self._long.values() if self._is_in_long_step else ():
            lock.enter()
        for lock in self._locks.values() if self._is_inside else ():
            lock.enter()

    def _leave(self) -> None:
        for lock in self._locks.values() if self._is_inside else ():
            lock.leave()
        self._leave_long()

    def _leave_long(self) -> None:
        for lock in self._long.values() if self._is_in_long_step else ():
            lock.leave()


class _DeviceLock:
    """
    A lock for readers (anything that runs) and one writer (timing). A writer first closes the gate behind itself, so
    that it waits only for those who were there before.
    """

    def __init__(self, name: str) -> None:
        folder = _folder()
        self._gate = _open(folder / f"{name}.gate")
        self._main = _open(folder / f"{name}.lock")

    def close(self) -> None:
        os.close(self._gate)
        os.close(self._main)

    def enter(self) -> None:
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        fcntl.flock(self._main, fcntl.LOCK_SH)
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def leave(self) -> None:
        fcntl.flock(self._main, fcntl.LOCK_UN)

    def is_waited_for(self) -> bool:
        try:
            fcntl.flock(self._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._gate, fcntl.LOCK_UN)
        return False

    @contextmanager
    def shared(self) -> Iterator[None]:
        self.enter()
        try:
            yield
        finally:
            self.leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        fcntl.flock(self._main, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._main, fcntl.LOCK_UN)
            fcntl.flock(self._gate, fcntl.LOCK_UN)


# Not TMPDIR, which may differ between two runs that must not disturb each other.
def _folder() -> Path:
    place = _SHARED_PLACE if os.access(_SHARED_PLACE, os.W_OK) else Path(tempfile.gettempdir())
    folder = place / f"curate-locks-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.geteuid() or folder.is_symlink():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


def _open(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
