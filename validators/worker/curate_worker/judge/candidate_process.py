"""What a candidate runs in: one process at a time, started anew after each loss and each build, within a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from ..channel import Message
from .candidate_errors import Circumstances, verdict_of_error, verdict_of_loss
from .faults import MachineFault, RunnerLost, Verdict
from .held_still import held_still
from .idle_work import Rest, wait_for_rest, works_while_idle
from .phases import phase
from .prepared import Prepared, add_build, require_device
from .processor_time import ran_ns, waited_ns
from .requests import Request
from .runner_handle import RunnerHandle
from .station import Station


class CandidateProcess:
    """The process of one candidate, or the place where the next one will be."""

    def __init__(self, station: Station, request: Request, prepared: Prepared) -> None:
        self._station = station
        self._request = request
        self._prepared = prepared
        self._runner: RunnerHandle | None = None
        self._remaining = request.settings.timeout_s
        self.num_starts = 0
        """Processes that it has had."""
        self.layers: list[str] = []
        self._is_loading = False

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._runner is not None

    def begin_end(self) -> None:
        """Tells the process to end, which takes a while; `close` waits for it."""
        if self._runner is not None:
            self._runner.begin_end()

    def close(self) -> None:
        """Ends the process."""
        self._is_loading = False
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def works_while_idle(self, meanwhile: Callable[[], object] | None = None) -> bool:
        """Whether it computes although nobody calls it; takes a tenth of a second, or `meanwhile` and half of that."""
        return self._runner is not None and works_while_idle(self._runner.process, meanwhile)

    def wait_for_rest(self) -> Rest:
        """Until its threads sleep, or for a third of a second, on a busy machine for up to one."""
        return Rest.CAME if self._runner is None else wait_for_rest(self._runner.process)

    def let_inputs_lie(self) -> None:
        """Leaves it alone until what it does by itself is done, if that is not much."""
        time.sleep(_WHILE_S)
        self.wait_for_rest()

    def held_still(self) -> AbstractContextManager[None]:
        """Keeps it from running meanwhile."""
        return nullcontext() if self._runner is None else held_still(self._runner.process)

    def ran_ns(self) -> int:
        """What its processes have used of processors so far."""
        return 0 if self._runner is None else ran_ns(self._runner.process)

    def waited_ns(self) -> int:
        """Nanoseconds that its threads, together, were ready to run and others had the processor."""
        return 0 if self._runner is None else waited_ns(self._runner.process)

    def start(self) -> None:
        """Starts it and loads the candidate's module, unless it runs. Raises a Verdict."""
        while self._runner is None:
            answer = self.ask(self._started(), "load", also="build_needed")
            if answer.kind == "build_needed":
                self.build(answer)

    def begin_start(self) -> None:
        """
        Starts it, unless it runs, and has it load the module without waiting for that: `finish_start` does, before
        anybody else may have the device. What goes wrong here does so again.
        """
        if self._runner is not None:
            return
        try:
            message = self._started()
            runner, self._is_loading = self._runner, True
            if runner is not None:
                runner.allow(self._remaining)
                runner.begin(message.kind, message.body, message.blobs)
        except (Verdict, MachineFault, RunnerLost, OSError, torch.OutOfMemoryError):
            self.close()

    def finish_start(self) -> None:
        """Waits until what was begun is done."""
        runner, is_loading = self._runner, self._is_loading
        self._is_loading = False
        if runner is None or not is_loading:
            return
        runner.allow(self._remaining)
        try:
            with phase("candidate_load"):
                is_loaded = runner.answer().kind == "loaded"
        except RunnerLost:
            is_loaded = False
        if not is_loaded:
            self.close()

    def _started(self) -> Message:
        if self._prepared.uses_triton:
            self._station.server.prepare(_FIRST_LAUNCH)
        room = self._station.room(self._request.settings.memory_bytes, self._prepared.device)
        locks = self._station.locks if self._prepared.device == "cuda" else None
        self._runner = RunnerHandle(self._station.server, room, self._request.settings.timeout_s, locks)
        self.num_starts += 1
        self.layers = self._runner.layers
        # Now, and not before a GPU was waited for: they may have been compiled meanwhile.
        self._prepared.look_for_kernels(self._station, self._request.task)
        return self._prepared.load_message(self._station, recording=False)

    def take_late_kernels(self) -> None:
        """Gives it what was compiled for it since it was started, while a GPU was waited for. Raises a Verdict."""
        if self._runner is None or self._prepared.triton_cache:
            return
        self._prepared.look_for_kernels(self._station, self._request.task)
        late = self._prepared.triton_cache
        if late:
            contents = [memoryview(content) for content in late.values()]
            self.ask(Message("take_kernels", {"triton_cache": list(late)}, contents), "load")

    def renew_time(self) -> None:
        """Gives it the whole time limit again."""
        self._remaining = self._request.settings.timeout_s

    def expect_answers(self, num_bytes: int) -> None:
        """Limits what it may answer with, given the bytes of what it is asked about."""
        if self._runner is not None:
            self._runner.limit_answers(_ROOM_FACTOR * num_bytes + _LEAST_ROOM)

    def share_as_much(self, window_bytes: int | None, *, keeps_memory: bool) -> None:
        """Shares as much memory with it as with the reference: what outputs take to be sent must be alike."""
        if self._runner is None:
            return
        try:
            self._runner.widen(window_bytes)
        except RunnerLost as lost:
            raise self.loss(lost, "run") from lost
        if keeps_memory:
            self._runner.lend_memory(rests=False)
            self._runner.keep_memory()

    def ask(self, message: Message, stage: str, also: str = "") -> Message:
        """Its answer, of the kind that is due or of another that is named. Raises a Verdict."""
        if self._runner is None:
            raise self.loss(RunnerLost("closed", "the process ended before this call"), stage)
        runner = self._runner
        self._station.locks.give_way()
        if self._station.locks.is_alone and self._prepared.device != "cpu":
            runner.look_out()
        with self._station.locks.long_step() if self._is_long(message) else nullcontext():
            answer = self._answer(runner, message, stage)
        if answer.kind in (_ANSWERS[message.kind], also):
            return answer
        verdict = verdict_of_error(answer, runner, self._circumstances(stage))
        if answer.kind != "error":
            lost = RunnerLost("forged", "an answer of another kind")
            verdict = verdict_of_loss(lost, runner, self._circumstances(stage))
        self.close()
        raise verdict

    # Whoever has the GPU's memory has its context, and others wait for him.
    def _is_long(self, message: Message) -> bool:
        return message.kind == "load" or (message.kind == "bind" and not self._station.locks.holds_memory)

    def _answer(self, runner: RunnerHandle, message: Message, stage: str) -> Message:
        start, aside = time.monotonic(), runner.seconds_aside
        runner.allow(self._remaining)
        try:
            with phase(f"candidate_{message.kind}"):
                return runner.request(message.kind, message.body, message.blobs)
        except RunnerLost as lost:
            raise self.loss(lost, stage) from lost
        finally:
            self._remaining -= time.monotonic() - start - (runner.seconds_aside - aside)

    def build(self, answer: Message) -> None:
        """Builds what it asks for. A library must be there before the module is executed, so the process ends."""
        self.close()
        with self._station.locks.off_gpu():
            add_build(self._station, self._request.settings, self._prepared, answer.body.get("spec"))
        require_device(self._station, self._prepared)

    def forgery(self, text: str) -> Verdict:
        """The verdict on what no honest process says; it is ended."""
        return self.loss(RunnerLost("forged", text), "run")

    def loss(self, lost: RunnerLost, stage: str) -> Verdict:
        """The verdict on a process that is lost; what is left of it is ended."""
        if self._runner is None:
            return Verdict("RUNTIME_ERROR", stage, "NO_OUTPUT", "candidate", str(lost), self._prepared.proved_on)
        verdict = verdict_of_loss(lost, self._runner, self._circumstances(stage))
        self.close()
        return verdict

    def _circumstances(self, stage: str) -> Circumstances:
        return Circumstances(stage, self._prepared.proved_on, self._station.has_triton)


_WHILE_S = 0.02
_FIRST_LAUNCH = "curate_worker.runner.first_launch"
# A wrong output may be larger than the right one, and is to be called wrong; only what is absurd is not even taken in.
_ROOM_FACTOR, _LEAST_ROOM = 4, 256 << 20
_ANSWERS = {
    "load": "loaded",
    "take_kernels": "kernels_taken",
    "bind": "bound",
    "load_state": "state_loaded",
    "stage": "staged",
    "call": "called",
    "chain": "chained",
    "gradients": "differentiated",
    "facts": "told",
    "kernels": "kernels",
}
