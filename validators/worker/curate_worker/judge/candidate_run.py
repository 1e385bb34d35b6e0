"""What a candidate is asked: bound per workload, it is called with fresh inputs, within its time limit."""

from __future__ import annotations

from dataclasses import replace

from ..chain import Chain
from ..channel import Message
from ..effects import Effects, effects_of
from ..tensors import Malformed
from ..values import Parcel, joined, parted
from .builds.build_cache import Built
from .builds.triton_build import triton_build
from .call_answer import SPECIAL, CallAnswer, call_answer
from .candidate_process import CandidateProcess
from .cases import Case, OpenCase
from .faults import Verdict
from .gradient_answer import GradientAnswer, gradient_answer
from .native_outputs import native_outputs
from .prepared import Prepared
from .reference import Reference
from .requests import Request
from .samples import Stopwatch
from .seeds import derive_seed
from .state import State, names_of_state, shapes_of
from .station import Station


class DeviceChanged(Exception):  # noqa: N818
    """What a candidate built late is CUDA code: it has to be judged on the GPU from the beginning."""


class CandidateRun:
    """One candidate in its process. Use as a context manager."""

    def __init__(self, station: Station, request: Request, prepared: Prepared) -> None:
        self._station = station
        self._request = request
        self._prepared = prepared
        self.process = CandidateProcess(station, request, prepared)
        self._bound: Reference | None = None
        self._names: dict[str, str] = {}
        """The reference's names of parameters and buffers by its own."""
        self._num_calls = 0
        self.largest_answer = 0
        """Bytes of the largest output on the present workload."""

    @property
    def proved_on(self) -> str:
        """What a row says it was proved on, if it is."""
        return self._prepared.proved_on

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._prepared.device

    def __enter__(self) -> CandidateRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin_end(self) -> None:
        """Lets go of its reference and tells its process to end, which takes a while; `close` waits for it."""
        self._bound = None
        self.process.begin_end()

    def close(self) -> None:
        """Ends the process."""
        self.process.close()

    @property
    def was_started(self) -> bool:
        """Whether it has a process, or had one."""
        return self.process.num_starts > 0

    def start_ahead(self) -> None:
        """Starts its process, so that this is done when memory was waited for; what goes wrong here does so again."""
        if not self.process.is_running:
            try:
                self.process.start()
            except Verdict:
                self.close()

    def begin_start(self) -> None:
        """Begins the same without waiting for it."""
        self.process.begin_start()

    def finish_start(self) -> None:
        """Waits until what was begun is done, before anybody else may have the device."""
        self.process.finish_start()

    def restart_if_ended(self, reference: Reference) -> None:
        """Starts and binds it anew where a call that need not succeed has ended its process. Raises a Verdict."""
        if not self.process.is_running:
            self.bind(reference)

    def bind(self, reference: Reference) -> None:
        """Makes the model for a workload and gives it the reference's parameters. Raises a Verdict."""
        self.process.renew_time()
        self._bound = reference
        self.largest_answer = 0
        self.process.take_late_kernels()
        is_native = self._prepared.candidate.is_native
        answer = self._building_what_is_needed(self._binding(reference))
        wanted = State(shapes_of(reference.state), reference.parameters, reference.shared_parameters)
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
            self.process.ask(Message("load_state", {"parcel": state.body(), "names": self._names}, state.blobs), "bind")

    def call(
        self,
        case: Case | OpenCase,
        *,
        flush: bool,
        timed: bool = False,
        how: frozenset[str] = frozenset(),
        patience: int = 1,
    ) -> CallAnswer:
        """
        One call. Raises a Verdict when it fails; nothing is said yet about what it returned. A timed one has the whole
        time limit for itself. `how` names what is special: `blocked`, the device is busy meanwhile; `ablated`, its own
        kernels do nothing; `altered`, what its Triton kernels write is altered; `poisoned`, memory that it asks for is
        not empty; `profiled`, it is looked at what takes its time; `kept`, its outputs and inputs stay until the next
        call; `in_place`, its inputs are written into the tensors of the call before; `unseen`, nobody asks what became
        of its inputs; `delayed`, its inputs lie there until its threads rest. `patience` is the clock's.
        """
        if timed:
            self.process.renew_time()
        while True:
            order = {name: name in how for name in SPECIAL}
            asked = {"digests": "unseen" not in how, "keep": "kept" in how}
            self._stage(case, {"flush": flush, "in_place": "in_place" in how})
            if "delayed" in how:
                self.process.let_inputs_lie()
            answer = self._try_call(order | {"patience": patience}, asked)
            if answer is not None:
                return answer
            self._bind_anew()

    def chain(self, chain: Chain, cases: list[Case]) -> tuple[int, list[Parcel]]:
        """Calls in a row; gives the nanoseconds that all of it took, and the outputs. Raises a Verdict."""
        self.process.renew_time()
        self.process.expect_answers(sum(case.num_bytes for case in cases))
        bodies, blobs = joined([case.inputs for case in cases])
        body = {**chain.body(), "seed": self._next_seed(), "changed": self._effects(), "parcels": bodies}
        watch = Stopwatch()
        answer = self.process.ask(Message("chain", body, blobs), "run")
        nanoseconds = watch.nanoseconds()
        try:
            outputs = parted(answer.body["parcels"], answer.blobs)
        except (Malformed, KeyError, TypeError, ValueError) as error:
            raise self.process.forgery(str(error)) from error
        if len(outputs) != chain.count:
            raise self.process.forgery("a chain of another length")
        return nanoseconds, outputs

    def launched_kernels(self) -> Built | None:
        """What Triton compiled for its last call; None where it tells nothing. Raises a Verdict."""
        return triton_build(self.process.ask(Message("kernels", {}), "run"))

    def gradients(self, parcels: list[Parcel], places: list[int], names: list[str]) -> GradientAnswer:
        """
        Output and gradients on inputs, with what outputs are multiplied by: of inputs by place, and of parameters by
        the reference's names. Raises a Verdict.
        """
        self.process.renew_time()
        bodies, blobs = joined(parcels)
        seed = self._next_seed()
        while True:
            if self._bound is not None:
                room = sum(parcel.num_bytes for parcel in [*parcels, self._bound.state])
                self.process.expect_answers(room + self.largest_answer)
            own = self._own_names()
            body = {"seed": seed, "changed": self._effects(), "parcels": bodies, "places": places}
            body["parameters"] = [own[name] for name in names if name in own]
            answer = self.process.ask(Message("gradients", body, blobs), "run", also="build_needed")
            if answer.kind != "build_needed":
                break
            self.process.build(answer)
            self._bind_anew()
        try:
            told = gradient_answer(answer)
        except (Malformed, KeyError, TypeError, ValueError) as error:
            raise self.process.forgery(str(error)) from error
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

    def _stage(self, case: Case | OpenCase, staging: dict) -> None:
        self.process.expect_answers(case.num_bytes)
        if self._bound is not None:
            keeps_memory = self._bound.keeps_memory or self._bound.is_timed
            self.process.share_as_much(self._bound.runner.window_bytes, keeps_memory=keeps_memory)
        body = {"parcel": case.inputs.body(), "seed": self._next_seed(), **staging}
        self.process.ask(Message("stage", body, case.inputs.blobs), "run")

    def _try_call(self, order: dict, asked: dict) -> CallAnswer | None:
        watch = Stopwatch()
        order = {**order, "changed": self._effects()}
        answer = self.process.ask(Message("call", order), "run", also="build_needed")
        outside = watch.nanoseconds()
        if answer.kind == "build_needed":
            self.process.build(answer)
            return None
        self.largest_answer = max(self.largest_answer, sum(blob.nbytes for blob in answer.blobs))
        told = self.process.ask(Message("facts", asked), "run")
        try:
            return call_answer(answer, told.body, outside, self._names)
        except (Malformed, KeyError, TypeError, ValueError) as error:
            raise self.process.forgery(str(error)) from error

    def _building_what_is_needed(self, message: Message) -> Message:
        while True:
            self.process.start()
            answer = self.process.ask(message, "bind", also="build_needed")
            if answer.kind != "build_needed":
                return answer
            self.process.build(answer)
