"""How a runner's process ends: its supervisor's word for it, and the signals that bring it about."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time

from .faults import RunnerLost
from .fork_client import Started

_END_SECONDS = 10.0


class ProcessEnd:
    """What is known of the end of a process that the fork server has started. Closes none of its descriptors."""

    def __init__(self, started: Started) -> None:
        self._started = started
        self._told: dict | None = None

    def begin(self) -> None:
        """Tells the process to end, and everything below it, and waits for nothing."""
        # Not SIGKILL: where there is no pid namespace the supervisor must hunt down what the runner started.
        self._send(signal.SIGTERM)

    def bring_about(self) -> None:
        """Ends the process and everything below it, and waits until it has."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.wait(0):
                return
            self._send(number)
            if self.wait(_END_SECONDS):
                return

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._started.handle is not None:
                signal.pidfd_send_signal(self._started.handle, number)
            else:
                os.kill(self._started.pid, number)

    def wait(self, seconds: float) -> bool:
        """Waits so long for the end; whether it has come."""
        deadline = time.monotonic() + seconds
        text = b""
        poll = select.poll()
        poll.register(self._started.status, select.POLLIN)
        while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            piece = os.read(self._started.status, 4096)
            if not piece:
                return self._is_gone(deadline)
            text += piece
            with contextlib.suppress(ValueError):
                self._told = self._told or json.loads(text)
        return False

    def loss(self) -> RunnerLost:
        """What to say of a process that has ended before it answered."""
        told = self._told or {}
        if "signal" in told:
            return RunnerLost("signal", f"the process was ended by {_signal_name(told['signal'])}")
        if "exited" in told:
            return RunnerLost("exited", f"the process ended with code {told['exited']} before it answered")
        return RunnerLost("closed", str(told.get("failed", "the process ended before it answered")))

    # The supervisor outlives all that it supervises.
    def _is_gone(self, deadline: float) -> bool:
        if self._started.handle is None:
            return True
        poll = select.poll()
        poll.register(self._started.handle, select.POLLIN)
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
