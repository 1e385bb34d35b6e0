"""The process of a fork server: forked from the judge before that looks at a device, or started anew."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Protocol

from ..sandbox.descriptors import keep_only

_ENTRY = Path(__file__).resolve().parents[1] / "__main__.py"
_POLL_SECONDS = 0.01


class ServerProcess(Protocol):
    """What is done with it."""

    def kill(self) -> None:
        """Ends it at once."""

    def wait(self, timeout: float | None) -> int | None:
        """Its exit code; None where it has none after some seconds."""


def spawn_server_process(control: int, user: int, scratch_root: Path, environment: dict[str, str]) -> ServerProcess:
    """Starts one that imports everything by itself. `control` is its end of the channel."""
    arguments = ["fork-server", str(control), str(user), str(scratch_root)]
    return _Spawned(
        subprocess.Popen(
            [sys.executable, "-B", str(_ENTRY), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[control],
            cwd="/",
        )
    )


def fork_server_process(control: int, user: int, scratch_root: Path, environment: dict[str, str]) -> ServerProcess:
    """Forks one from this process."""
    fork_server = importlib.import_module("curate_worker.fork_server")
    child = os.fork()
    if child != 0:
        return _Forked(child)
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        keep_only({0: null, 1: 1, 2: 2, _CONTROL: control})
        _rename(b"\0judge\0", b"\0forks\0")
        os.environ.clear()
        os.environ.update(environment)
        os.chdir("/")
        fork_server.serve(_CONTROL, user, scratch_root)
    except BaseException:
        traceback.print_exc()
    finally:
        # Nothing of the judge's is to be tidied up by somebody else.
        os._exit(0)


_CONTROL = 3
_ARG_START, _ARG_END = 45, 46


# What lists processes shows the arguments of the judge for whatever is forked from it; whoever looks for judges shall
# find judges. The kernel says where the arguments lie (https://docs.kernel.org/filesystems/proc.html, 1.1).
def _rename(name: bytes, other: bytes) -> None:
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    place = ctypes.string_at(start, end - start).find(name) if 0 < start < end else -1
    if place >= 0 and len(name) == len(other):
        ctypes.memmove(start + place, other, len(other))


class _Spawned:
    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self._process.returncode


class _Forked:
    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None

    def kill(self) -> None:
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self, timeout: float | None) -> int | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._code is None:
            pid, status = os.waitpid(self._pid, 0 if deadline is None else os.WNOHANG)
            if pid == self._pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif deadline is not None and time.monotonic() > deadline:
                break
            else:
                time.sleep(_POLL_SECONDS)
        return self._code
