"""One runner as the judge sees it: messages with deadlines, its output drained and capped, its end certain."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence

import torch

from ..allocator import MUCH_MEMORY, kept_bytes, unused_bytes
from ..channel import (
    LEND,
    PLACE,
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
from ..lent_memory import SharedMemory
from ..tensors import Blob
from ..turnstile import Turnstile, new_page
from ..window import WINDOW_BYTES, Window, is_large
from .device_lock import DeviceLocks
from .faults import MachineFault, RunnerLost
from .fork_client import ForkServer, Room, Started
from .inputs_in_place import InputsInPlace
from .phases import phase
from .process_end import ProcessEnd
from .resting_tensors import RestingTensors
from .runner_channel import RunnerChannel
from .shared_start import start_sharing

_START_SECONDS, _GIVE_BACK_SECONDS = 60.0, 0.2
_MAX_ANSWER_BYTES, _MORE = 16 << 30, 1.1


class RunnerHandle:
    """A runner from its fork to its certain end. Use as a context manager."""

    def __init__(self, server: ForkServer, room: Room, seconds: float, locks: DeviceLocks | None = None) -> None:
        """`locks` are held, shared; others may have the device while the runner only compiles."""
        self._max_answer_bytes = _MAX_ANSWER_BYTES
        with phase("start_process"):
            self._start(server, room, seconds, locks)

    def _start(self, server: ForkServer, room: Room, seconds: float, locks: DeviceLocks | None) -> None:
        self._memory = GpuMemory.allocate(WINDOW_BYTES) if room.shares_gpu else None
        self._was_widened = False
        self._window = None if self._memory is None else Window(self._memory.bytes, gives_back=True)
        self._lender: RestingTensors | InputsInPlace | None = None
        page = new_page() if locks is not None else None
        self._turnstile = None if page is None else Turnstile(page)
        self._started: Started = start_sharing(server, room, self._memory, page)
        self._sent = 0
        self._received = 0
        self._rests = False
        self._end = ProcessEnd(self._started)
        self._channel = RunnerChannel(self._started, self._end, self._turnstile, locks)
        self._closed = False
        self.allow(_START_SECONDS)
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
        return self._channel.output.decode(errors="replace")

    @property
    def seconds_aside(self) -> float:
        """How long it was kept off the device for others."""
        return self._channel.seconds_aside

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
        self._hand_over(memory, Message(WIDEN, {"num_bytes": memory.bytes.numel()}))
        if self._receive().kind != "widened":
            memory.close()
            return
        known, self._memory = self._memory, memory
        self._window = Window(memory.bytes, gives_back=self._window is None or self._window.gives_back)
        if known is not None:
            known.close()

    def _lend(self, number: int, memory: SharedMemory) -> bool:
        try:
            self._hand_over(memory, Message(LEND, {"number": number, "num_bytes": memory.bytes.numel()}))
        except OSError:
            return False
        return self._channel.is_agreed()

    def _hand_over(self, memory: SharedMemory, message: Message) -> None:
        descriptor = memory.export()
        try:
            self._tell(message)
            self._channel.send_descriptor(descriptor)
        finally:
            os.close(descriptor)

    def lend_memory(self, *, rests: bool) -> None:
        """
        Lends the runner memory for large tensors from now on, which are copied once then. With `rests` what it answers
        stays where it left it, and could write later, which is not for one that is judged; without, what it is sent
        lies where it uses it.
        """
        if self._window is not None and self._lender is None:
            self._lender = (RestingTensors if rests else InputsInPlace)(GpuMemory.allocate, self._lend)

    def keep_memory(self) -> None:
        """From now on the judge keeps what it was given for large tensors: nobody else needs it meanwhile."""
        if self._window is not None and self._window.gives_back:
            # Proving a task took more than its calls do.
            torch.cuda.empty_cache()
            self._window.gives_back = False

    def leave_room(self, num_bytes: int) -> None:
        """
        Gives back what is kept in the judge for later, where that is gigabytes: the program will need it. Of what is
        lent `num_bytes` are kept, which the judge has of a case, and of what PyTorch keeps as well if it was said so.
        """
        if self._window is None:
            return
        lent, unused = (0, 0) if self._resting is None else (self._resting.num_bytes, self._resting.num_unused_bytes)
        spared, reserved, most = unused_bytes(), kept_bytes(), _MORE * num_bytes
        if spared + unused > MUCH_MEMORY and (self._window.gives_back or reserved + lent > most):
            torch.cuda.empty_cache()
            if self._resting is not None and reserved - spared + lent > most:
                self._resting.give_back()

    def allow(self, seconds: float) -> None:
        """Sets a new deadline, from now."""
        self._channel.allow(seconds)

    def look_out(self) -> None:
        """
        For a moment from now on it looks for what the runner sends, and does not sleep: to be woken takes a part of a
        millisecond, now more, now less, and the judge's clock sees it.
        """
        self._channel.look_out()

    def limit_answers(self, num_bytes: int) -> None:
        """Sets how many bytes of tensors the next answers may hold: memory is set aside for what they announce."""
        self._max_answer_bytes = num_bytes

    def request(self, kind: str, body: dict, blobs: Sequence[Blob] = (), *, rests: bool = False) -> Message:
        """
        Sends a message and waits for its answer, of which large tensors rest where the runner leaves them, if it may
        leave them anywhere. Raises RunnerLost when none comes.
        """
        self.begin(kind, body, blobs, rests=rests)
        return self.answer()

    def begin(self, kind: str, body: dict, blobs: Sequence[Blob] = (), *, rests: bool = False) -> None:
        """Sends a message. Nothing else may be sent before its answer was taken in. Raises RunnerLost."""
        message = Message(kind, body, list(blobs), rests=rests and self._resting is not None)
        if isinstance(self._lender, InputsInPlace):
            message.placed = self._lender.give(message.blobs)
        self._tell(message)
        for index, blob in enumerate(message.blobs):
            if index in message.placed:
                continue
            if isinstance(blob, torch.Tensor):
                self._require_window().send(blob, self._channel.signal, self._channel.wait_for_signal)
            else:
                self._channel.send(blob)
        self._rests = message.rests

    def answer(self) -> Message:
        """Waits for the answer to what was begun. Raises RunnerLost when none comes."""
        return self._receive(rests=self._rests)

    def begin_end(self) -> None:
        """Tells the runner to end; `close` waits until it has. Nothing is to be asked of it any more."""
        if not self._closed:
            self._give_back()
            self._end.begin()
            if self._lender is not None:
                self._lender.close()

    # A process that has gigabytes of a GPU takes 0.2 s to end; to give them back takes a tenth of that.
    def _give_back(self) -> None:
        if self._resting is None:
            return
        self._resting.give_back()
        self.allow(_GIVE_BACK_SECONDS)
        with contextlib.suppress(RunnerLost):
            self.request("forget", {})

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
        if self._lender is not None:
            self._lender.close()
        if self._memory is not None:
            self._memory.close()
        for descriptor in (self._started.handle, self._started.output, self._started.status):
            if descriptor is not None:
                os.close(descriptor)
        # Folders nested deeper than Python recurses stay until the judge's own folder is removed.
        with contextlib.suppress(RecursionError):
            shutil.rmtree(self._started.scratch, ignore_errors=True)

    def _tell(self, message: Message) -> None:
        if self._lender is not None:
            message.let_go = self._lender.take_let_go()
        self._channel.send(memoryview(encode_header(self._sent, message)))
        self._sent += 1

    def _receive(self, *, rests: bool = False) -> Message:
        try:
            length = header_length(bytes(self._channel.read(PREFIX.size)))
            header: Header = decode_header(bytes(self._channel.read(length)), self._received, self._max_answer_bytes)
        except TooLarge as error:
            raise RunnerLost("too_large", str(error)) from error
        except ProtocolError as error:
            raise RunnerLost("forged", f"the process wrote to the judge's channel: {error}") from error
        self._received += 1
        self._take_back(header)
        blobs = [
            self._tensor(size, rests=rests) if index in header.shared else self._channel.read(size)
            for index, size in enumerate(header.blob_lengths)
        ]
        return Message(header.kind, header.body, blobs)

    def _tensor(self, size: int, *, rests: bool) -> Blob:
        window = self._require_window()
        if rests and is_large(size):
            place = None if self._resting is None else self._resting.place(size)
            self._tell(Message(PLACE, {"number": None if place is None else place[0]}))
            if place is not None:
                self._channel.wait_for_signal()
                return place[1]
        room = self._resting.room(size) if self._resting is not None and is_large(size) else None
        return window.receive(size, self._channel.signal, self._channel.wait_for_signal, room)

    @property
    def _resting(self) -> RestingTensors | None:
        return self._lender if isinstance(self._lender, RestingTensors) else None

    def _take_back(self, header: Header) -> None:
        is_possible = not header.placed
        if header.let_go:
            is_possible &= isinstance(self._lender, InputsInPlace) and self._lender.take_back(header.let_go)
        if not is_possible:
            raise RunnerLost("forged", "the process speaks of memory that it was not lent")

    def _require_window(self) -> Window:
        if self._window is None:
            raise RunnerLost("forged", "the process speaks of memory that it does not share with the judge")
        return self._window
