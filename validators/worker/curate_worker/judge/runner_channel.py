"""Bytes to and from a runner, each with a deadline; what it prints meanwhile is taken, and capped."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time

from ..channel import PIECE_SIGNAL, REFUSAL
from ..tensors import room_for
from ..turnstile import Turnstile
from .device_lock import DeviceLocks
from .faults import RunnerLost
from .fork_client import Started
from .process_end import ProcessEnd

_OUTPUT_KEPT = 16 * 1024
_OUTPUT_PIECE = 1 << 16
_LOOK_SECONDS = 0.02
# Of what takes longer a part of a millisecond is nothing.
_LOOK_OUT_SECONDS = 0.03


class RunnerChannel:
    """The judge's end."""

    def __init__(
        self, started: Started, end: ProcessEnd, turnstile: Turnstile | None, locks: DeviceLocks | None
    ) -> None:
        """`locks` are held, shared; others may have the device while the runner only compiles."""
        self._connection = started.channel
        self._connection.setblocking(False)
        self._printed = started.output
        os.set_blocking(self._printed, False)
        self._end = end
        self._turnstile = turnstile
        self._locks = locks
        self._deadline = self._looks_until = 0.0
        self.output = bytearray()
        """The beginning of what the runner printed."""
        self.seconds_aside = 0.0
        """How long it was kept off the device for others."""

    def allow(self, seconds: float) -> None:
        """Sets a new deadline, from now."""
        self._deadline = time.monotonic() + seconds

    def look_out(self) -> None:
        """For a moment from now on it looks for bytes, and does not sleep."""
        self._looks_until = time.monotonic() + _LOOK_OUT_SECONDS

    def send(self, piece: memoryview) -> None:
        """Sends bytes. Raises RunnerLost, as all of these do."""
        piece = piece.cast("B") if piece.nbytes else piece
        while piece.nbytes:
            self._wait(select.POLLOUT)
            try:
                piece = piece[self._connection.send(piece) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._lost() from error

    def send_descriptor(self, descriptor: int) -> None:
        """Sends a descriptor, with a byte that it comes with."""
        while True:
            self._wait(select.POLLOUT)
            try:
                socket.send_fds(self._connection, [PIECE_SIGNAL], [descriptor])
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._lost() from error
            return

    def read(self, length: int) -> memoryview:
        """So many bytes."""
        buffer = room_for(length)
        filled = 0
        while filled < length:
            if time.monotonic() > self._looks_until:
                self._wait(select.POLLIN)
            try:
                count = self._connection.recv_into(buffer[filled:])
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._lost() from error
            if count == 0:
                raise self._lost()
            filled += count
        return buffer

    def signal(self) -> None:
        """Says that a piece was sent, or taken."""
        self.send(memoryview(PIECE_SIGNAL))

    def wait_for_signal(self) -> None:
        """Until the runner says so."""
        self._one_of(PIECE_SIGNAL)

    def is_agreed(self) -> bool:
        """Whether the runner says so, and refuses nothing."""
        return self._one_of(PIECE_SIGNAL, REFUSAL) == PIECE_SIGNAL

    def close(self) -> None:
        """Closes it; the runner sees that."""
        self._connection.close()

    def _one_of(self, *signals: bytes) -> bytes:
        told = bytes(self.read(1))
        if told not in signals:
            raise RunnerLost("forged", "the process wrote to the judge's channel: no signal where one was expected")
        return told

    # Waits for the channel, and meanwhile takes what the runner prints: a full pipe would stop it.
    def _wait(self, wanted: int) -> None:
        poll = select.poll()
        poll.register(self._connection, wanted)
        poll.register(self._printed, select.POLLIN)
        while True:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise RunnerLost("timeout", "the time limit was reached")
            ready = dict(poll.poll((remaining if self._turnstile is None else min(remaining, _LOOK_SECONDS)) * 1000))
            if self._printed in ready and not self._drain():
                poll.unregister(self._printed)
            if self._connection.fileno() in ready:
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
            piece = os.read(self._printed, _OUTPUT_PIECE)
        except BlockingIOError:
            return True
        self.output += piece[: _OUTPUT_KEPT - len(self.output)]
        return bool(piece)

    def _lost(self) -> RunnerLost:
        if not self._end.wait(1.0):
            return RunnerLost("closed", "the process closed the judge's channel")
        with contextlib.suppress(OSError):
            while self._drain() and len(self.output) < _OUTPUT_KEPT:
                continue
        return self._end.loss()
