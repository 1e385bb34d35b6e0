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
from curate_worker.tensors import Guarded, as_bytes
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
    held: list[Guarded] = []
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
        if message.kind in ("make", "place"):
            blobs = [torch.full((size,), value, dtype=torch.uint8) for size, value in body["wanted"]]
        if message.kind == "take":
            held += [Guarded(blob) for blob in message.blobs]
        if message.kind == "write":
            as_bytes(held[0].blob).as_strided((1,), (1,), body["place"]).fill_(7)
        if message.kind == "drop":
            held.clear()
        told = [[sorted({*bytes(as_bytes(guard.blob).numpy())}), guard.is_intact()] for guard in held]
        in_place = sum(_is_in(as_bytes(guard.blob), known) for guard in held)
        if message.kind == "place":
            _place_first(channel)
        if message.kind == "lie":
            _let_go_once(channel._lent, body["numbers"])
        kind = body.get("kind", "done")
        del message
        num_known = sum(not memory.is_closed for memory in known)
        channel.send(kind, {"num_known": num_known, "held": told, "in_place": in_place}, blobs)


def _is_in(blob: torch.Tensor, known: list[HostMemory]) -> bool:
    places = [(memory.bytes.data_ptr(), memory.bytes.numel()) for memory in known]
    return any(start <= blob.data_ptr() < start + size for start, size in places)


# As if the first tensor of the next answer lay in lent memory.
def _place_first(channel: BlockingChannel) -> None:
    class Forged:
        def sendall(self, data: bytes) -> None:
            header = data.replace(b'"shared": [0], "placed": []', b'"shared": [], "placed": [[0, 1]]')
            connection.sendall(header[:4] + (len(header) - 8).to_bytes(4, "big") + header[8:])

    connection, channel._connection = channel._connection, Forged()


# Whether it has it or not.
def _let_go_once(lent: LentMemory, numbers: list[int]) -> None:
    honest = lent.take_let_go

    def lie() -> list[int]:
        lent.take_let_go = honest
        return numbers

    lent.take_let_go = lie
