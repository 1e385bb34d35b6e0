"""One runner as the judge sees it: messages with deadlines, its output drained and capped, its end certain."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import time
from collections.abc import Sequence

import torch

from ..channel import (
    PIECE_SIGNAL,
    PREFIX,
    WIDEN,
    Header,
    Message,
    ProtocolError,
    TooLarge,
    decode_header,
    encode_header,
    header_length,
)
from ..gpu_memory import GpuMemory
from ..tensors import Blob, room_for
from ..turnstile import Turnstile, new_page
from ..window import WINDOW_BYTES, Window
from .device_lock import DeviceLocks
from .faults import MachineFault, RunnerLost
from .fork_client import ForkServer, Room, Started
from .phases import phase
from .process_end import ProcessEnd
from .shared_start import start_sharing

_OUTPUT_KEPT = 16 * 1024
_OUTPUT_PIECE = 1 << 16
_START_SECONDS = 60.0
_MAX_ANSWER_BYTES = 16 << 30
_LOOK_SECONDS = 0.02
_MUCH_MEMORY, _MORE = 1 << 30, 1.1


class RunnerHandle:
    """A runner from its fork to its certain end. Use as a context manager."""

    def __init__(self, server: ForkServer, room: Room, seconds: float, locks: DeviceLocks | None = None) -> None:
        """`locks` are held, shared; others may have the device while the runner only compiles."""
        self._max_answer_bytes = _MAX_ANSWER_BYTES
        self._locks = locks
        self.seconds_aside = 0.0
        """How long it was kept off the device for others."""
        with phase("start_process"):
            self._start(server, room, seconds)

    def _start(self, server: ForkServer, room: Room, seconds: float) -> None:
        self._memory = GpuMemory.allocate(WINDOW_BYTES) if room.shares_gpu else None
        self._was_widened = False
        self._window = None if self._memory is None else Window(self._memory.bytes, gives_back=True)
        page = new_page() if self._locks is not None else None
        self._turnstile = None if page is None else Turnstile(page)
        self._started: Started = start_sharing(server, room, self._memory, page)
        self._channel = self._started.channel
        self._channel.setblocking(False)
        self._output = bytearray()
        self._sent = 0
        self._received = 0
        self._deadline = time.monotonic() + _START_SECONDS
        self._end = ProcessEnd(self._started)
        self._closed = False
        os.set_blocking(self._started.output, False)
        try:
            ready = self._receive()
        except RunnerLost as lost:
            self.close()
            raise MachineFault("sandbox_unusable", f"no process could be started in the sandbox: {lost}") from lost
        self.layers: list[str] = ready.body["layers"]
        self.missing: dict[str, str] = ready.body["missing"]
        self.scratch = self._started.scratch
        self.allow(seconds)

    def __enter__(self) -> RunnerHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def output(self) -> str:
        """The beginning of what the runner wrote to stdout and stderr: for people, never parsed."""
        return self._output.decode(errors="replace")

    @property
    def process(self) -> int:
        """Id of the process that all of the runner's processes are below."""
        return self._started.pid

    @property
    def window_bytes(self) -> int | None:
        """Size of the memory of a GPU that it shares with the judge; None where they share none."""
        return None if self._memory is None else self._memory.bytes.numel()

    def widen(self, num_bytes: int | None) -> None:
        """
        Has tensors cross in so much memory from now on, which the usual program shall not take from others; in as much
        as before where there is no more. Raises RunnerLost.
        """
        if self._memory is None or num_bytes is None or num_bytes <= self._memory.bytes.numel() or self._was_widened:
            return
        self._was_widened = True
        # It may have waited for memory longer than it has for anything else.
        self.allow(_START_SECONDS)
        with contextlib.suppress(OSError, torch.OutOfMemoryError):
            self._move_to(GpuMemory.allocate(num_bytes))

    def _move_to(self, memory: GpuMemory) -> None:
        descriptor = memory.export()
        try:
            self._send(memoryview(encode_header(self._sent, Message(WIDEN, {"num_bytes": memory.bytes.numel()}))))
            self._sent += 1
            self._wait(select.POLLOUT)
            socket.send_fds(self._channel, [PIECE_SIGNAL], [descriptor])
        finally:
            os.close(descriptor)
        if self._receive().kind != "widened":
            memory.close()
            return
        known, self._memory = self._memory, memory
        self._window = Window(memory.bytes, gives_back=self._window is None or self._window.gives_back)
        if known is not None:
            known.close()

    def keep_memory(self) -> None:
        """From now on the judge keeps what it was given for large tensors: nobody else needs it meanwhile."""
        if self._window is not None and self._window.gives_back:
            # Proving a task took more than its calls do.
            torch.cuda.empty_cache()
            self._window.gives_back = False

    def leave_room(self, num_bytes: int) -> None:
        """
        Gives back what PyTorch keeps in the judge for later, where that is gigabytes: the program will need it. If it
        was said so, `num_bytes` are kept, which the judge has of a case.
        """
        if self._window is None:
            return
        reserved = torch.cuda.memory_reserved()
        is_unused = reserved - torch.cuda.memory_allocated() > _MUCH_MEMORY
        if is_unused and (self._window.gives_back or reserved > _MORE * num_bytes):
            torch.cuda.empty_cache()

    def allow(self, seconds: float) -> None:
        """Sets a new deadline, from now."""
        self._deadline = time.monotonic() + seconds

    def limit_answers(self, num_bytes: int) -> None:
        """Sets how many bytes of tensors the next answers may hold: memory is set aside for what they announce."""
        self._max_answer_bytes = num_bytes

    def request(self, kind: str, body: dict, blobs: Sequence[Blob] = ()) -> Message:
        """Sends a message and waits for its answer. Raises RunnerLost when none comes."""
        message = Message(kind, body, list(blobs))
        self._send(memoryview(encode_header(self._sent, message)))
        self._sent += 1
        for blob in message.blobs:
            if isinstance(blob, torch.Tensor):
                self._require_window().send(blob, self._signal, self._wait_for_signal)
            else:
                self._send(blob)
        return self._receive()

    def begin_end(self) -> None:
        """Tells the runner to end; `close` waits until it has. Nothing is to be asked of it any more."""
        if not self._closed:
            self._end.begin()

    def close(self) -> None:
        """Ends the runner and everything it started, and removes its scratch folder."""
        if self._closed:
            return
        self._closed = True
        self._channel.close()
        with phase("end_process"):
            self._end.bring_about()
        if self._turnstile is not None:
            self._turnstile.close()
        if self._memory is not None:
            self._memory.close()
        for descriptor in (self._started.handle, self._started.output, self._started.status):
            if descriptor is not None:
                os.close(descriptor)
        # Folders nested deeper than Python recurses stay until the judge's own folder is removed.
        with contextlib.suppress(RecursionError):
            shutil.rmtree(self._started.scratch, ignore_errors=True)

    def _send(self, piece: memoryview) -> None:
        piece = piece.cast("B") if piece.nbytes else piece
        while piece.nbytes:
            self._wait(select.POLLOUT)
            try:
                piece = piece[self._channel.send(piece) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._lost() from error

    def _receive(self) -> Message:
        try:
            length = header_length(bytes(self._read(PREFIX.size)))
            header: Header = decode_header(bytes(self._read(length)), self._received, self._max_answer_bytes)
        except TooLarge as error:
            raise RunnerLost("too_large", str(error)) from error
        except ProtocolError as error:
            raise RunnerLost("forged", f"the process wrote to the judge's channel: {error}") from error
        self._received += 1
        blobs = [self._blob(size, index in header.shared) for index, size in enumerate(header.blob_lengths)]
        return Message(header.kind, header.body, blobs)

    def _blob(self, size: int, is_shared: bool) -> Blob:
        if not is_shared:
            return self._read(size)
        return self._require_window().receive(size, self._signal, self._wait_for_signal)

    def _require_window(self) -> Window:
        if self._window is None:
            raise RunnerLost("forged", "the process speaks of memory that it does not share with the judge")
        return self._window

    def _signal(self) -> None:
        self._send(memoryview(PIECE_SIGNAL))

    def _wait_for_signal(self) -> None:
        if bytes(self._read(1)) != PIECE_SIGNAL:
            raise RunnerLost("forged", "the process wrote to the judge's channel: no signal where one was expected")

    def _read(self, length: int) -> memoryview:
        buffer = room_for(length)
        filled = 0
        while filled < length:
            self._wait(select.POLLIN)
            try:
                count = self._channel.recv_into(buffer[filled:])
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._lost() from error
            if count == 0:
                raise self._lost()
            filled += count
        return buffer

    # Waits for the channel, and meanwhile takes what the runner prints: a full pipe would stop it.
    def _wait(self, wanted: int) -> None:
        poll = select.poll()
        poll.register(self._channel, wanted)
        poll.register(self._started.output, select.POLLIN)
        while True:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise RunnerLost("timeout", "the time limit was reached")
            ready = dict(poll.poll((remaining if self._turnstile is None else min(remaining, _LOOK_SECONDS)) * 1000))
            if self._started.output in ready and not self._drain():
                poll.unregister(self._started.output)
            if self._channel.fileno() in ready:
                return
            self._step_aside()

    # While it compiles, others may have the device.
    def _step_aside(self) -> None:
        if self._locks is None or self._turnstile is None:
            return
        if not self._locks.is_waited_for() or not self._turnstile.take():
            return
        start = time.monotonic()
        try:
            self._locks.give_way()
        finally:
            self._turnstile.give_back()
            aside = time.monotonic() - start
            self.seconds_aside += aside
            self._deadline += aside

    def _drain(self) -> bool:
        try:
            piece = os.read(self._started.output, _OUTPUT_PIECE)
        except BlockingIOError:
            return True
        self._output += piece[: _OUTPUT_KEPT - len(self._output)]
        return bool(piece)

    def _lost(self) -> RunnerLost:
        if not self._end.wait(1.0):
            return RunnerLost("closed", "the process closed the judge's channel")
        with contextlib.suppress(OSError):
            while self._drain() and len(self._output) < _OUTPUT_KEPT:
                continue
        return self._end.loss()
