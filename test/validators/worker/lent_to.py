"""A runner of nothing but messages, in a process of its own, with memory of the processor for that of a GPU."""

from __future__ import annotations

import gc
import os
import socket
import sys
import traceback

import torch
from curate_worker.channel import BlockingChannel
from curate_worker.lent_memory import LentMemory
from curate_worker.sandbox.descriptors import close_all_but
from curate_worker.window import Window
from host_memory import HostMemory


def fork_runner(connection: socket.socket, shared: HostMemory, kept: set[int]) -> int:
    """Starts it at its end of the connection; `kept` are the other descriptors that it is to have open."""
    descriptor = shared.export()
    child = os.fork()
    if child == 0:
        try:
            # Threads do not live on in a fork; what was collected here would close descriptors that are others by now.
            gc.freeze()
            torch.set_num_threads(1)
            close_all_but({0, 1, 2, connection.fileno(), descriptor, *kept})
            _serve(connection, HostMemory(descriptor, shared.bytes.numel()))
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(0)
    os.close(descriptor)
    return child


def _serve(connection: socket.socket, shared: HostMemory) -> None:
    known: list[HostMemory] = []
    signals: list[bytes] = []
    is_able = True

    def mapped(descriptor: int, num_bytes: int) -> HostMemory:
        if not is_able:
            raise OSError("it cannot be mapped")
        known.append(HostMemory(descriptor, num_bytes))
        return known[-1]

    channel = BlockingChannel(connection, 1 << 30, lambda: Window(shared.bytes), LentMemory(mapped))
    channel.send("ready", {"layers": [], "missing": {}})
    while (message := channel.receive()) is not None:
        body, blobs = message.body, []
        if message.kind == "refuse":
            is_able = False
        if message.kind == "scribble":
            for memory in [*known, shared]:
                memory.bytes.fill_(0xEE)
        if message.kind == "forge":
            signals.append(body["instead"].encode())
            channel._signal = lambda: connection.sendall(signals[0])
        if message.kind == "make":
            blobs = [torch.full((size,), value, dtype=torch.uint8) for size, value in body["wanted"]]
        channel.send("done", {"num_known": sum(not memory.is_closed for memory in known)}, blobs)
