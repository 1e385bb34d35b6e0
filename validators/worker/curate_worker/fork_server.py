"""The fork server ("zygote"): has imported PyTorch and Triton, has not touched CUDA, and forks every runner."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
from pathlib import Path

import torch

from . import pytorch_import  # noqa: F401 - comes before all that imports torch.utils.cpp_extension
from .runner.main import run as run_runner
from .runner.oracle import Widen
from .sandbox import system_calls as system
from .sandbox.enter import Confinement, user_namespace_works
from .sandbox.world import survey
from .supervisor import CHANNEL, MAX_ORDER_BYTES, STATUS, fork_runner
from .window import WINDOW

# https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html
_CUDA_ERROR_NOT_INITIALIZED = 3


def serve(descriptor: int, user: int, scratch_root: Path) -> None:
    """
    Answers orders of the judge until it is gone. An order carries three descriptors: messages, output, status; and a
    fourth where judge and runner share memory of the GPU.
    """
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    control = socket.socket(fileno=descriptor)
    _import_what_runners_use()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    world = survey()
    namespace_works = user_namespace_works(user, world, scratch_root)
    # Ends of supervisors are seen by the judge; the kernel may bury them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    control.send(json.dumps({"threads": _num_threads(), "touched_cuda": _touched_cuda()}).encode())
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, MAX_ORDER_BYTES, 4)
        if not text:
            return
        order = json.loads(text)
        place = Confinement(
            scratch=Path(order["scratch"]),
            scratch_bytes=order["scratch_bytes"],
            memory_bytes=order["memory_bytes"],
            user=user,
            user_namespace_works=namespace_works,
            window_bytes=order["window_bytes"],
        )
        pid = fork_runner(place, world, _numbered(descriptors), run_runner)
        for given in descriptors:
            os.close(given)
        _answer(control, pid)


def _numbered(descriptors: list[int]) -> dict[int, int]:
    channel, output, status, *window = descriptors
    numbered = {1: output, 2: output, CHANNEL: channel, STATUS: status}
    return numbered | {WINDOW: window[0]} if window else numbered


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
    # The first operation under such a mode imports half of PyTorch; better once here than in every reference.
    with Widen(torch.float64):
        torch.ones(1)


# Importing PyTorch may load the driver's library; only cuInit ties the driver to this process.
def _touched_cuda() -> bool:
    if "/libcuda.so" not in Path("/proc/self/maps").read_text():
        return False
    driver = ctypes.CDLL("libcuda.so.1")
    return driver.cuCtxGetCurrent(ctypes.byref(ctypes.c_void_p())) != _CUDA_ERROR_NOT_INITIALIZED


def _num_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))
