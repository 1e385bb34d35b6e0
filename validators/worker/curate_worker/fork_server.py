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
from .heap import keep_freed_memory
from .runner.main import run as run_runner
from .sandbox import system_calls as system
from .sandbox.control_group import remove_groups
from .sandbox.enter import Confinement, user_namespace_works
from .sandbox.world import survey
from .supervisor import CHANNEL, MAX_ORDER_BYTES, STATUS, fork_runner
from .turnstile import TURNSTILE

# https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html
_CUDA_ERROR_NOT_INITIALIZED = 3
_MAX_DESCRIPTORS = 8


def serve(descriptor: int, user: int, scratch_root: Path) -> None:
    """
    Answers orders of the judge until it is gone. An order carries three descriptors: messages, output, status; and
    those of what judge and runner share, with their numbers.
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
    control.send(json.dumps({"threads": _num_threads(), "touched_cuda": _touched_cuda()}).encode())
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, MAX_ORDER_BYTES, _MAX_DESCRIPTORS)
        if not text:
            return
        order = json.loads(text)
        if "import" in order:
            importlib.import_module(order["import"]).warm_up()
            gc.freeze()
            control.send(b"{}")
            continue
        place = Confinement(
            scratch=Path(order["scratch"]),
            scratch_bytes=order["scratch_bytes"],
            memory_bytes=order["memory_bytes"],
            user=user,
            user_namespace_works=namespace_works,
            server=os.getpid(),
            window_bytes=order["window_bytes"],
            has_turnstile=TURNSTILE in order["shared"],
            has_loopback=order["has_loopback"],
        )
        remove_groups(os.getpid())
        pid = fork_runner(place, world, _numbered(descriptors, order["shared"]), run_runner)
        for given in descriptors:
            os.close(given)
        _answer(control, pid)


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
    # The first operation on tensors of no memory, which measures inputs for a GPU, imports half of PyTorch; better once
    # here than in every reference.
    if os.environ.get("CUDA_VISIBLE_DEVICES") != "":
        torch.ones(1, device="meta") + 1
        _read_triton_once()


# Triton keeps its cache by a digest of all of its own files, which each process makes that launches a kernel: a quarter
# of a gigabyte is read for it, and meanwhile a GPU waits.
def _read_triton_once() -> None:
    with contextlib.suppress(ImportError, AttributeError, OSError):
        importlib.import_module("triton.compiler.code_generator")
        importlib.import_module("triton.runtime.cache").triton_key()


# Importing PyTorch may load the driver's library; only cuInit ties the driver to this process.
def _touched_cuda() -> bool:
    if "/libcuda.so" not in Path("/proc/self/maps").read_text():
        return False
    driver = ctypes.CDLL("libcuda.so.1")
    return driver.cuCtxGetCurrent(ctypes.byref(ctypes.c_void_p())) != _CUDA_ERROR_NOT_INITIALIZED


def _num_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))
