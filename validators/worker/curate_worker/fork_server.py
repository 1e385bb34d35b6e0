"""The fork server ("zygote"): has imported PyTorch and Triton, has not touched CUDA, and forks every runner."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

import torch

from . import pytorch_import  # noqa: F401 - comes before all that imports torch.utils.cpp_extension
from .heap import gather_memory, keep_freed_memory
from .runner.main import run as run_runner
from .sandbox import system_calls as system
from .sandbox.control_group import remove_groups
from .sandbox.enter import Confinement, user_namespace_works
from .sandbox.world import World, survey
from .supervisor import CHANNEL, MAX_ORDER_BYTES, STATUS, fork_runner
from .turnstile import TURNSTILE

# https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html
_CUDA_ERROR_NOT_INITIALIZED = 3
_MAX_DESCRIPTORS = 8
_FIRST_RUNNERS = 5
_NICENESS = 10
_held: list[socket.socket] = []
"""Of a successor: the first server waits for the end of it, and ends with it."""


def serve(descriptor: int, user: int, scratch_root: Path) -> None:
    """
    Answers orders of the judge until it is gone, and ends this process. An order carries three descriptors: messages,
    output, status; and those of what judge and runner share, with their numbers.
    """
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    keep_freed_memory()
    control = socket.socket(fileno=descriptor)
    _import_what_runners_use()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    world = survey(scratch_root)
    namespace_works = user_namespace_works(user, world, scratch_root)
    # Ends of supervisors are seen by the judge; the kernel may bury them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    gc.enable()
    serving = _Serving(world, user, namespace_works)
    control.send(json.dumps({"threads": _num_threads(), "touched_cuda": _touched_cuda()}).encode())
    successor = _start_successor()
    if successor is None or _serve_until_succeeded(control, successor, serving):
        while _serve_one(control, serving):
            continue
    # There is nothing to tidy up, and libraries that try to say so at length.
    os._exit(0)


@dataclass
class _Serving:
    """What all runners have in common."""

    world: World
    user: int
    namespace_works: bool
    imported: list[str] = field(default_factory=list)
    """Modules that the judge has ordered."""
    num_forked: int = 0


# False when the judge is gone, or when this process has stepped back; its successor has the judge's channel as well.
def _serve_until_succeeded(control: socket.socket, successor: socket.socket, serving: _Serving) -> bool:
    poll = select.poll()
    for channel in (control, successor):
        poll.register(channel, select.POLLIN)
    while True:
        # Waiting for both: an order that has come is left to whoever serves from now on.
        ready = [descriptor for descriptor, _ in poll.poll()]
        if successor.fileno() in ready:
            # One that has died says nothing, and is not missed.
            if not successor.recv(1):
                return True
            successor.send(json.dumps(serving.imported).encode())
            # Runners that it has forked end with it.
            successor.recv(1)
            return False
        if not _serve_one(control, serving):
            return False


# False when the judge is gone.
def _serve_one(control: socket.socket, serving: _Serving) -> bool:
    text, descriptors, _, _ = socket.recv_fds(control, MAX_ORDER_BYTES, _MAX_DESCRIPTORS)
    if not text:
        return False
    order = json.loads(text)
    if "import" in order:
        _warm_up(order["import"])
        serving.imported.append(order["import"])
        control.send(b"{}")
        return True
    place = Confinement(
        scratch=Path(order["scratch"]),
        scratch_bytes=order["scratch_bytes"],
        memory_bytes=order["memory_bytes"],
        user=serving.user,
        user_namespace_works=serving.namespace_works,
        server=os.getpid(),
        window_bytes=order["window_bytes"],
        has_turnstile=TURNSTILE in order["shared"],
        has_loopback=order["has_loopback"],
    )
    remove_groups(os.getpid())
    pid = fork_runner(place, serving.world, _numbered(descriptors, order["shared"]), run_runner)
    for given in descriptors:
        os.close(given)
    _answer(control, pid)
    serving.num_forked += 1
    # It takes as long as ten processes gain, and many a judge starts no more than these.
    if serving.num_forked == _FIRST_RUNNERS:
        gather_memory()
    return True


# The first operation on tensors of no memory, such as `2 * torch.rand(...)` where inputs for a GPU are measured, takes
# half of PyTorch along: 900 modules, 4 s beside an H100. Nobody waits for that: a second server imports it, and then
# takes the place of the first.
def _start_successor() -> socket.socket | None:
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    if os.fork() != 0:
        its.close()
        return mine
    mine.close()
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    # What a thread gave up of the processors does not pass on to processes that are forked when it has ended.
    importing = threading.Thread(target=_import_behind_others)
    importing.start()
    importing.join()
    gc.freeze()
    its.send(b"\x01")
    told = its.recv(MAX_ORDER_BYTES)
    if not told:
        os._exit(0)
    for name in json.loads(told):
        _warm_up(name)
    _held.append(its)
    return None


# Six judges that start at once need all processors, for what their first candidates wait for.
def _import_behind_others() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    torch.ones(1, device="meta") + 1


def _warm_up(name: str) -> None:
    importlib.import_module(name).warm_up()
    gc.freeze()


def _numbered(descriptors: list[int], numbers: list[int]) -> dict[int, int]:
    channel, output, status, *shared = descriptors
    return {1: output, 2: output, CHANNEL: channel, STATUS: status, **dict(zip(numbers, shared, strict=True))}


def _answer(control: socket.socket, pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        control.send(json.dumps({"pid": pid}).encode())
        return
    socket.send_fds(control, [json.dumps({"pid": pid}).encode()], [handle])
    os.close(handle)


def _import_what_runners_use() -> None:
    with contextlib.suppress(ImportError):
        importlib.import_module("triton.language")


# Importing PyTorch may load the driver's library; only cuInit ties the driver to this process.
def _touched_cuda() -> bool:
    if "/libcuda.so" not in Path("/proc/self/maps").read_text():
        return False
    driver = ctypes.CDLL("libcuda.so.1")
    return driver.cuCtxGetCurrent(ctypes.byref(ctypes.c_void_p())) != _CUDA_ERROR_NOT_INITIALIZED


def _num_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))
