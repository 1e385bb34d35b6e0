"""Starts the fork server and orders runners from it."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from ..sandbox.control_group import remove_groups
from ..sandbox.identity import private_user
from ..sandbox.world import HEADER_FOLDER
from ..supervisor import MAX_ORDER_BYTES
from .faults import MachineFault
from .server_process import fork_server_process, spawn_server_process

_START_SECONDS, _END_SECONDS = 180, 1.0


@dataclass(frozen=True)
class Room:
    """What a runner may use."""

    memory_bytes: int | None
    """Address space on top of the interpreter's own; None where CUDA needs it free."""
    scratch_bytes: int
    shares_gpu: bool = False
    """Whether tensors cross between it and the judge in memory of the GPU."""
    has_loopback: bool = False
    """Whether its processes may talk to each other over a network that has nobody else."""


@dataclass
class Started:
    """A runner that was forked: its ends of everything, and the means to stop it."""

    pid: int
    handle: int | None
    """pidfd of its supervisor; None if it had ended already, or where the kernel has none (before Linux 5.3)."""
    channel: socket.socket
    output: int
    status: int
    scratch: Path


class ForkServer:
    """The judge's side of the fork server. Threads may order at the same time."""

    def __init__(self, scratch_root: Path, environment: dict[str, str], *, forked: bool = False) -> None:
        """
        Starts it; `forked` from this process, which has imported all it needs, has one thread and has seen no device:
        importing PyTorch a second time would take longer than everything else.
        """
        self._root = scratch_root
        self.headers = scratch_root / HEADER_FOLDER
        """What is put here can be read by all runners."""
        self.headers.mkdir(exist_ok=True)
        self.headers.chmod(0o755)
        self._user = private_user(scratch_root)
        self._turn = threading.Lock()
        self._prepared: set[str] = set()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        start = fork_server_process if forked else spawn_server_process
        self._process = start(theirs.fileno(), self._user, scratch_root, environment)
        theirs.close()

    def wait_until_ready(self) -> dict:
        """What the fork server says of itself once it has imported everything."""
        self._control.settimeout(_START_SECONDS)
        return json.loads(self._receive()[0])

    def start(self, room: Room, shared: dict[int, int] | None = None, window_bytes: int = 0) -> Started:
        """
        Forks one runner with a scratch folder of its own. `shared`: descriptors of what it shares with the judge, by
        their numbers there; `window_bytes`: the size of the GPU memory among it.
        """
        shared = shared or {}
        scratch = Path(tempfile.mkdtemp(dir=self._root))
        if os.geteuid() == 0:
            os.chown(scratch, self._user, self._user)
        order = {
            "scratch": str(scratch),
            "scratch_bytes": room.scratch_bytes,
            "memory_bytes": room.memory_bytes,
            "window_bytes": window_bytes,
            "shared": list(shared),
            "has_loopback": room.has_loopback,
        }
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        output, output_write = os.pipe()
        status, status_write = os.pipe()
        given = [theirs.fileno(), output_write, status_write, *shared.values()]
        try:
            with self._turn:
                socket.send_fds(self._control, [json.dumps(order).encode()], given)
                text, handles = self._receive()
        except OSError as error:
            raise MachineFault("fork_server_lost", f"the fork server is gone: {error}") from error
        finally:
            theirs.close()
            os.close(output_write)
            os.close(status_write)
        return Started(json.loads(text)["pid"], handles[0] if handles else None, ours, output, status, scratch)

    def prepare(self, module: str) -> None:
        """Has it import one of our modules, unless it has, so that no runner that is started from now on has to."""
        with self._turn:
            if module in self._prepared:
                return
            try:
                socket.send_fds(self._control, [json.dumps({"import": module}).encode()], [])
                self._receive()
            except OSError as error:
                raise MachineFault("fork_server_lost", f"the fork server is gone: {error}") from error
            self._prepared.add(module)

    def close(self) -> None:
        """Ends the fork server; its runners end with it."""
        self._control.close()
        # It sees that and ends by itself, when whoever has taken its place has ended.
        if self._process.wait(_END_SECONDS) is None:
            self._process.kill()
            self._process.wait(None)
        remove_groups()

    def _receive(self) -> tuple[bytes, list[int]]:
        try:
            text, handles, _, _ = socket.recv_fds(self._control, MAX_ORDER_BYTES, 1)
        except TimeoutError as error:
            raise MachineFault("fork_server_lost", "the fork server does not answer") from error
        if not text:
            raise MachineFault("fork_server_lost", f"the fork server ended with code {self._process.wait(1)}")
        return text, handles
