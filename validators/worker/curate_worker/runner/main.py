"""The runner's loop: one message in, one message out. Every answer is a raw fact or an error text."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
import tempfile
import traceback
from functools import cache, partial
from pathlib import Path

from ..channel import WIDEN, BlockingChannel, Message
from ..gpu_memory import GpuMemory
from ..sandbox.enter import Confinement
from ..sandbox.report import LayerReport
from ..tensors import keep_on_gpu
from ..turnstile import TURNSTILE, Turnstile
from ..window import WINDOW, Window
from .answers import Answer
from .errors import BuildNeeded, FaultInInput, describe_error
from .handlers import HANDLERS
from .runner_state import Runner
from .triton_cache import TRITON_CACHE

MAX_BLOB_BYTES = 1 << 40


def run(descriptor: int, place: Confinement, report: LayerReport) -> None:
    """Serves the judge at the other end of `descriptor` until it closes it."""
    _arrange_environment(place.scratch)
    _print_at_once()
    connection = socket.socket(fileno=descriptor)
    if place.window_bytes:
        keep_on_gpu()
    channel = BlockingChannel(connection, MAX_BLOB_BYTES, cache(partial(_open_window, place.window_bytes)))
    channel.send("ready", {"layers": report.names(), "missing": report.reasons()})
    runner = Runner(place.scratch, turnstile=Turnstile(TURNSTILE) if place.has_turnstile else None)
    is_due = False
    while (message := channel.receive(is_due=is_due)) is not None:
        answer = _widen(channel, message) if message.kind == WIDEN else _handle(runner, message, place.scratch)
        del message
        # After an error nothing is asked of the device any more: the answer is to come out.
        if answer.kind == "error":
            runner.may_give_back = False
        # The judge needs room for what it is sent.
        runner.give_back()
        channel.send(answer.kind, answer.body, answer.blobs)
        # What is staged is called at once.
        is_due = bool(place.window_bytes) and answer.kind == "staged"
        del answer
        runner.settle()


# What the driver prints of a failed assertion goes through C, which keeps it back where nobody reads along.
def _print_at_once() -> None:
    with contextlib.suppress(OSError, AttributeError, ValueError):
        library = ctypes.CDLL(None)
        library.setvbuf(ctypes.c_void_p.in_dll(library, "stdout"), None, _BY_LINE, 0)


# `_IOLBF` of stdio.h, in glibc and musl.
_BY_LINE = 1


def _open_window(num_bytes: int) -> Window:
    return Window(GpuMemory.of_descriptor(WINDOW, num_bytes).bytes)


def _widen(channel: BlockingChannel, message: Message) -> Answer:
    def opened(descriptor: int) -> Window:
        try:
            return Window(GpuMemory.of_descriptor(descriptor, message.body["num_bytes"]).bytes)
        finally:
            os.close(descriptor)

    try:
        channel.widen(opened)
    except (OSError, RuntimeError, AssertionError) as error:
        return Answer("error", {"type": type(error).__name__, "text": str(error), "fatal": False})
    return Answer("widened")


def _handle(runner: Runner, message: Message, scratch: Path) -> Answer:
    try:
        return HANDLERS[message.kind](runner, message)
    except BuildNeeded as need:
        return Answer("build_needed", {"spec": need.spec})
    except FaultInInput as fault:
        return Answer("error", {"type": fault.cause, "text": str(fault), "fatal": False})
    # SystemExit and KeyboardInterrupt of a kernel are errors like others; none may end the loop.
    except BaseException as error:
        return Answer("error", _described(error, scratch))


# Where memory ran out there may be none to find out where.
def _described(error: BaseException, scratch: Path) -> dict:
    try:
        return describe_error(error, traceback.extract_tb(error.__traceback__), scratch)
    except MemoryError:
        error.__traceback__ = None
        return describe_error(error, [], scratch)


def _arrange_environment(scratch: Path) -> None:
    folders = {
        "HOME": ".",
        "TMPDIR": "tmp",
        "TRITON_CACHE_DIR": TRITON_CACHE,
        "TORCHINDUCTOR_CACHE_DIR": "inductor",
        "TORCH_EXTENSIONS_DIR": "extensions",
        "CUDA_CACHE_PATH": "cuda",
        "XDG_CACHE_HOME": "cache",
    }
    for name, folder in folders.items():
        path = scratch / folder
        path.mkdir(exist_ok=True)
        os.environ[name] = str(path)
    tempfile.tempdir = None
    # Ours are none of a program that reads a command line.
    sys.argv[1:] = []
    sys.stdin = Path(os.devnull).open()  # noqa: SIM115
