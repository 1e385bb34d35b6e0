"""A candidate in its runner: loaded once, bound per workload, called with fresh inputs, within its time limit."""

from __future__ import annotations

import time
from dataclasses import replace

from ..chain import Chain
from ..channel import Message
from ..effects import Effects, effects_of
from ..tensors import Malformed
from ..values import Parcel, joined, parted
from .call_answer import SPECIAL, CallAnswer, call_answer
from .candidate_errors import Circumstances, verdict_of_error, verdict_of_loss
from .cases import Case
from .faults import RunnerLost, Verdict
from .gradient_answer import GradientAnswer, gradient_answer
from .idle_work import Rest, wait_for_rest, works_while_idle
from .native_outputs import native_outputs
from .phases import phase
from .prepared import Prepared, add_build, require_device
from .processor_time import ran_ns, waited_ns
from .reference import Reference
from .requests import Request
from .runner_handle import RunnerHandle
from .samples import Stopwatch
from .seeds import derive_seed
from .state import State, names_of_state, shapes_of
from .station import Station


class DeviceChanged(Exception):  # noqa: N818
    """What a candidate built late is CUDA code: it has to be judged on the GPU from the beginning."""


class CandidateRun:
    """The process of one candidate; a new one is started after every loss. Use as a context manager."""

    def __init__(self, station: Station, request: Request, prepared: Prepared) -> None:
        self._station = station
        self._request = request
        self._prepared = prepared
        self._runner: RunnerHandle | None = None
        self._remaining = request.settings.timeout_s
        self._bound: Reference | None = None
        self._names: dict[str, str] = {}
        """The reference's names of parameters and buffers by its own."""
        self._num_calls = 0
        self.num_starts = 0
        """Processes that it has had."""
        self.layers: list[str] = []
        self.largest_answer = 0
        """Bytes of the largest output on the present workload."""

    @property
    def proved_on(self) -> str:
        """What a row says it was proved on, if it is."""
        return self._prepared.proved_on

    def __enter__(self) -> CandidateRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def works_while_idle(self) -> bool:
        """Whether it computes although nobody calls it; takes a tenth of a second."""
        return self._runner is not None and works_while_idle(self._runner.process)

    def wait_for_rest(self) -> Rest:
        """Until its threads sleep, or for a third of a second."""
        return Rest.CAME if self._runner is None else wait_for_rest(self._runner.process)

    def ran_ns(self) -> int:
        """What its processes have used of processors so far."""
        return 0 if self._runner is None else ran_ns(self._runner.process)

    def waited_ns(self) -> int:
        """Nanoseconds that its threads, together, were ready to run and others had the processor."""
        return 0 if self._runner is None else waited_ns(self._runner.process)

    def start_ahead(self) -> None:
        """Starts its process, so that this is done when memory was waited for; what goes wrong here does so again."""
        if self._runner is None:
            try:
                self._start()
            except Verdict:
                self.close()

    def restart_if_ended(self, reference: Reference) -> None:
        """Starts and binds it anew where a call that need not succeed has ended its process. Raises a Verdict."""
        if self._runner is None:
            self.bind(reference)

    def bind(self, reference: Reference) -> None:
        """Makes the model for a workload and gives it the reference's parameters. Raises a Verdict."""
        self._remaining = self._request.settings.timeout_s
        self._bound = reference
        self.largest_answer = 0
        is_native = self._prepared.candidate.is_native
        answer = self._building_what_is_needed(self._binding(reference))
        wanted = State(shapes_of(reference.state), reference.parameters)
        if is_native or self._prepared.candidate.is_device:
            names = {name: name for name in wanted.shapes}
        else:
            names = names_of_state(wanted, State.told(answer.body), self.proved_on, reference.changed.get("state", ()))
        self._names = names
        self.load_state(reference.state)

    def _binding(self, reference: Reference) -> Message:
        outputs = native_outputs(reference) if self._prepared.candidate.is_native else []
        body = {"parcel": reference.init.body(), "outputs": outputs}
        return Message("bind", body, reference.init.blobs)

    def script(self, reference: Reference, case: Case) -> list[Message]:
        """All that a process of it is told for one call, as it was bound last; for whoever tells it elsewhere."""
        state = {"parcel": reference.state.body(), "names": self._names}
        inputs = {"parcel": case.inputs.body(), "seed": 0, "flush": False}
        order = {**dict.fromkeys(SPECIAL, False), "patience": 1, "changed": reference.changed}
        return [
            self._prepared.load_message(self._station, recording=False),
            self._binding(reference),
            *([Message("load_state", state, reference.state.blobs)] if self._names else []),
            Message("stage", inputs, case.inputs.blobs),
            Message("call", order),
        ]

    def load_state(self, state: Parcel) -> None:
        """Gives it the reference's parameters and buffers, or others of the same names. Raises a Verdict."""
        if self._names:
            self._ask(Message("load_state", {"parcel": state.body(), "names": self._names}, state.blobs), "bind")

    def call(
        self, case: Case, *, flush: bool, timed: bool = False, how: frozenset[str] = frozenset(), patience: int = 1
    ) -> CallAnswer:
        """
        One call. Raises a Verdict when it fails; nothing is said yet about what it returned. A timed one has the whole
        time limit for itself. `how` names what is special: `blocked`, the device is busy meanwhile; `ablated`, its own
        kernels do nothing; `poisoned`, memory that it asks for is not empty; `profiled`, it is looked at what takes its
        time; `kept`, its outputs stay until the next
        call; `unseen`, nobody asks what became of its inputs. `patience` is the clock's.
        """
        if timed:
            self._remaining = self._request.settings.timeout_s
        while True:
            order = {name: name in how for name in SPECIAL}
            asked = {"digests": "unseen" not in how, "keep": "kept" in how}
            answer = self._try_call(case, order | {"patience": patience}, asked, flush=flush)
            if answer is not None:
                return answer
            self._bind_anew()

    def chain(self, chain: Chain, cases: list[Case]) -> tuple[int, list[Parcel]]:
        """Calls in a row; gives the nanoseconds that all of it took, and the outputs. Raises a Verdict."""
        self._remaining = self._request.settings.timeout_s
        if self._runner is not None:
            self._runner.limit_answers(_ROOM_FACTOR * sum(case.num_bytes for case in cases) + _LEAST_ROOM)
        bodies, blobs = joined([case.inputs for case in cases])
        body = {**chain.body(), "seed": self._next_seed(), "changed": self._effects(), "parcels": bodies}
        watch = Stopwatch()
        answer = self._ask(Message("chain", body, blobs), "run")
        nanoseconds = watch.nanoseconds()
        try:
            outputs = parted(answer.body["parcels"], answer.blobs)
        except (Malformed, KeyError, TypeError, ValueError) as error:
            raise self._loss(RunnerLost("forged", str(error)), "run") from error
        if len(outputs) != chain.count:
            raise self._loss(RunnerLost("forged", "a chain of another length"), "run")
        return nanoseconds, outputs

    def gradients(self, parcels: list[Parcel], places: list[int], names: list[str]) -> GradientAnswer:
        """
        Output and gradients on inputs, with what outputs are multiplied by: of inputs by place, and of parameters by
        the reference's names. Raises a Verdict.
        """
        self._remaining = self._request.settings.timeout_s
        bodies, blobs = joined(parcels)
        seed = self._next_seed()
        while True:
            if self._runner is not None and self._bound is not None:
                room = sum(parcel.num_bytes for parcel in [*parcels, self._bound.state]) + self.largest_answer
                self._runner.limit_answers(_ROOM_FACTOR * room + _LEAST_ROOM)
            own = self._own_names()
            body = {"seed": seed, "changed": self._effects(), "parcels": bodies, "places": places}
            body["parameters"] = [own[name] for name in names if name in own]
            answer = self._ask(Message("gradients", body, blobs), "run", also="build_needed")
            if answer.kind != "build_needed":
                break
            self._build(answer)
            self._bind_anew()
        try:
            told = gradient_answer(answer)
        except (Malformed, KeyError, TypeError, ValueError) as error:
            raise self._loss(RunnerLost("forged", str(error)), "run") from error
        known = {f"parameter {mine}": f"parameter {its}" for mine, its in self._names.items()}
        return replace(told, gradients={known.get(name, name): item for name, item in told.gradients.items()})

    # What the reference writes into, by the names that its program has for it.
    def _effects(self) -> Effects:
        effects = Effects() if self._bound is None else self._bound.changed
        own = self._own_names()
        written = effects.get("state", {})
        return effects_of(effects.get("inputs", []), {name: own.get(name, name) for name in written})

    # Its own names of parameters and buffers by the reference's.
    def _own_names(self) -> dict[str, str]:
        return {its: mine for mine, its in self._names.items()}

    # Of nothing else: a program that draws random numbers shall draw neither the reference's nor its own again.
    def _next_seed(self) -> int:
        self._num_calls += 1
        return derive_seed(self._request.settings.seed, "candidate", self._num_calls)

    # Something was built, so the process is a new one.
    def _bind_anew(self) -> None:
        if self._bound is None or self._bound.device != self._prepared.device:
            raise DeviceChanged
        self.bind(self._bound)

    # As much as with the reference: what outputs take to be sent must be alike.
    def _share_as_much(self, runner: RunnerHandle) -> None:
        if self._bound is None:
            return
        try:
            runner.widen(self._bound.runner.window_bytes)
        except RunnerLost as lost:
            raise self._loss(lost, "run") from lost
        if self._bound.keeps_memory:
            runner.keep_memory()

    def _try_call(self, case: Case, order: dict, asked: dict, *, flush: bool) -> CallAnswer | None:
        if self._runner is not None:
            self._runner.limit_answers(_ROOM_FACTOR * case.num_bytes + _LEAST_ROOM)
            self._share_as_much(self._runner)
        body = {"parcel": case.inputs.body(), "seed": self._next_seed(), "flush": flush}
        self._ask(Message("stage", body, case.inputs.blobs), "run")
        watch = Stopwatch()
        order = {**order, "changed": self._effects()}
        answer = self._ask(Message("call", order), "run", also="build_needed")
        outside = watch.nanoseconds()
        if answer.kind == "build_needed":
            self._build(answer)
            return None
        self.largest_answer = max(self.largest_answer, sum(blob.nbytes for blob in answer.blobs))
        told = self._ask(Message("facts", asked), "run")
        try:
            return call_answer(answer, told.body, outside, self._names)
        except (Malformed, KeyError, TypeError, ValueError) as error:
            raise self._loss(RunnerLost("forged", str(error)), "run") from error

    def _building_what_is_needed(self, message: Message) -> Message:
        while True:
            if self._runner is None:
                self._start()
            answer = self._ask(message, "bind", also="build_needed")
            if answer.kind != "build_needed":
                return answer
            self._build(answer)

    def _start(self) -> None:
        while self._runner is None:
            room = self._station.room(self._request.settings.memory_bytes, self._prepared.device)
            locks = self._station.locks if self._prepared.device == "cuda" else None
            self._runner = RunnerHandle(self._station.server, room, self._request.settings.timeout_s, locks)
            self.num_starts += 1
            self.layers = self._runner.layers
            # Now, and not before a GPU was waited for: they may have been compiled meanwhile.
            self._prepared.look_for_kernels(self._station, self._request.task)
            message = self._prepared.load_message(self._station, recording=False)
            answer = self._ask(message, "load", also="build_needed")
            if answer.kind == "build_needed":
                self._build(answer)

    # A library must be there before the module is executed, so the process starts anew.
    def _build(self, answer: Message) -> None:
        self.close()
        with self._station.locks.off_gpu():
            add_build(self._station, self._request.settings, self._prepared, answer.body.get("spec"))
        require_device(self._station, self._prepared)

    def _ask(self, message: Message, stage: str, also: str = "") -> Message:
        if self._runner is None:
            raise self._loss(RunnerLost("closed", "the process ended before this call"), stage)
        runner = self._runner
        self._station.locks.give_way()
        start, aside = time.monotonic(), runner.seconds_aside
        runner.allow(self._remaining)
        try:
            with phase(f"candidate_{message.kind}"):
                answer = runner.request(message.kind, message.body, message.blobs)
        except RunnerLost as lost:
            raise self._loss(lost, stage) from lost
        finally:
            self._remaining -= time.monotonic() - start - (runner.seconds_aside - aside)
        if answer.kind in (_ANSWERS[message.kind], also):
            return answer
        verdict = verdict_of_error(answer, runner, self._circumstances(stage))
        if answer.kind != "error":
            lost = RunnerLost("forged", "an answer of another kind")
            verdict = verdict_of_loss(lost, runner, self._circumstances(stage))
        self.close()
        raise verdict

    def _loss(self, lost: RunnerLost, stage: str) -> Verdict:
        if self._runner is None:
            return Verdict("RUNTIME_ERROR", stage, "NO_OUTPUT", "candidate", str(lost), self.proved_on)
        verdict = verdict_of_loss(lost, self._runner, self._circumstances(stage))
        self.close()
        return verdict

    def _circumstances(self, stage: str) -> Circumstances:
        return Circumstances(stage, self.proved_on, self._station.has_triton)


# A wrong output may be larger than the right one, and is to be called wrong; only what is absurd is not even taken in.
_ROOM_FACTOR, _LEAST_ROOM = 4, 256 << 20
_ANSWERS = {
    "load": "loaded",
    "bind": "bound",
    "load_state": "state_loaded",
    "stage": "staged",
    "call": "called",
    "chain": "chained",
    "gradients": "differentiated",
    "facts": "told",
}
