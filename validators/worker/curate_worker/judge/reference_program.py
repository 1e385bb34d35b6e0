"""The program of a reference in its sandbox: asked to make inputs, to compute, and to compute more exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..chain import Chain
from ..channel import Message
from ..effects import Effects
from ..tensors import Blob, Malformed
from ..values import Parcel, joined
from .call_answer import SPECIAL, Work, work_of
from .cases import ReferenceCall
from .faults import Verdict
from .gradient_answer import GradientAnswer, gradient_answer
from .reference_errors import (
    LOST_CAUSES,
    ask_reference,
    number_in,
    pairs_in,
    parcel_in,
    places_in,
    require_usable_size,
    texts_in,
)
from .requests import Settings, Task, Workload
from .runner_handle import RunnerHandle
from .samples import Stopwatch, Timing
from .seeds import derive_seed
from .state import shapes_of

_STAGED: Final = ("call", "facts")


@dataclass(frozen=True)
class Arithmetic:
    """Floating-point operations of a call, where PyTorch knows how to count them."""

    flops: int
    unavoidable: int
    """What no implementation can save."""
    dtype: str
    """That of most operands; empty where nothing was counted."""


@dataclass
class ReferenceProgram:
    """One workload of a task, loaded in a process."""

    task: Task
    workload: Workload
    settings: Settings
    device: str
    runner: RunnerHandle
    """The process that the references of all workloads of a task share."""
    give_way: Callable[[], None]
    """Called between two steps: lets others of this machine time."""
    init: Parcel
    state: Parcel
    parameters: list[str] = field(default_factory=list)
    """What is a parameter in `state`; the others are buffers."""
    shared_parameters: dict[str, str] = field(default_factory=dict)
    """Those of them that are one that was named before, and that name."""
    changed: Effects = field(default_factory=Effects)
    """What it writes into that is a result: nothing else that comes out is the same memory."""
    with_gradient: list[int] = field(default_factory=list)
    """Inputs that the task wants gradients of, as they were made last."""
    has_constant_integers: bool = False
    """Whether integers or truth values of one of them were all the same."""
    gates_among_inputs: list[str] = field(default_factory=list)
    """In which other sizes constants among them can be drawn, which were made last."""
    input_bytes: int = 0
    """Of the first call."""
    largest_answer: int = 0
    """Bytes of the largest output."""
    arithmetic: Arithmetic | None = None
    is_counted: bool = False
    """Whether `arithmetic` says so."""
    holds_inputs: bool = False
    """Whether its process holds inputs on the GPU that it is known to leave as they are: they need not come back."""
    keeps_memory: bool = False
    """Whether nobody gives memory of a large case back between two calls."""
    _kept: Parcel | None = None
    """The inputs that its process still has."""

    def call(  # noqa: PLR0913
        self,
        inputs: Parcel,
        *,
        flush: bool,
        purpose: str = "run",
        look: bool = True,
        patience: int = 1,
        beside: Callable[[], int] = int,
    ) -> ReferenceCall:
        """
        Runs the reference in its own dtype; `look` asks what became of its inputs, without which its process forgets
        the call at once, `patience` is the clock's, `beside` counts what somebody else uses of processors.
        """
        self._ask("stage", {"seed": self.seed(purpose), "flush": flush}, [], "staged", inputs)
        how = dict.fromkeys(SPECIAL, False) | {"patience": patience, "changed": self.changed, "is_over": not look}
        if flush and self.device != "cpu":
            self.runner.look_out()
        known, watch = beside(), Stopwatch()
        # The judge's clock is to see of the candidate's outputs what it sees of these.
        answer = self._ask("call", how, [], "called", rests=not flush)
        outside = watch.nanoseconds()
        ran_beside = beside() - known
        told = self._ask("facts", {"digests": True, "keep": False}, [], "told") if look else None
        inside, waited = number_in(answer, "nanoseconds"), number_in(answer, "waited_nanoseconds")
        output = parcel_in(answer, "parcel")
        require_usable_size(output)
        self.largest_answer = max(self.largest_answer, output.num_bytes)
        timing = Timing(inside, waited, outside, answer.body.get("host_was_free") is True)
        if told is None:
            return ReferenceCall(output, timing, ran_beside=ran_beside)
        return ReferenceCall(
            output=output,
            timing=timing,
            input_digests=texts_in(told, "input_digests"),
            aliases=pairs_in(told, "aliases"),
            is_parameter=told.body.get("is_parameter") is True,
            has_twin_outputs=told.body.get("has_twin_outputs") is True,
            changed_state=texts_in(told, "changed_state"),
            ran_beside=ran_beside,
        )

    def work(self, inputs: Parcel) -> list[Work]:
        """What a call of it is made of."""
        self._ask("stage", {"seed": self.seed("run"), "flush": False}, [], "staged", inputs)
        how = dict.fromkeys(SPECIAL, False) | {"profiled": True, "patience": 1, "changed": self.changed}
        self._ask("call", how, [], "called")
        told = self._ask("facts", {"digests": False, "keep": False}, [], "told")
        return [work_of(row) for row in told.body["work"]]

    def chain(self, chain: Chain, inputs: list[Parcel]) -> int:
        """Calls in a row; gives the nanoseconds that it took beside the calls themselves."""
        bodies, blobs = joined(inputs)
        watch = Stopwatch()
        body = {**chain.body(), "seed": self.seed("run"), "changed": self.changed, "parcels": bodies}
        answer = self._ask("chain", body, blobs, "chained")
        return max(0, watch.nanoseconds() - number_in(answer, "nanoseconds"))

    def make_inputs(self, how: dict) -> Parcel:
        """Fresh inputs; `how` says from which seed and by which dice."""
        answer = self._ask("make_inputs", {**how, "keep": False, "hold": self.holds_inputs}, [], "inputs")
        # The process keeps what it made last, so that it need not be sent back to where it came from.
        parcel = parcel_in(answer, "parcel")
        self._kept = None if parcel.stays_on_gpu and not self.holds_inputs else parcel
        self.has_constant_integers = answer.body.get("constant_integers") is True
        self.gates_among_inputs = texts_in(answer, "gates")
        self.with_gradient = places_in(answer, "with_gradient", len(parcel.tensors))
        return parcel

    def draw_gates(self, draw: str) -> Parcel | None:
        """Parameters and buffers with those that may hardly matter in another size; None where there are none."""
        answer = self._ask("draw_gates", {"seed": self.seed("gates", draw), "draw": draw}, [], "gates_drawn")
        return parcel_in(answer, "parcel") if answer.body.get("is_drawn") is True else None

    def forget_inputs(self) -> None:
        """Gives back the memory of the inputs that were made last."""
        self._kept = None

    def run_oracle(self, inputs: Parcel, precision: str, nudge: dict | None = None) -> Parcel:
        """What it gives in higher precision; `nudge` moves the inputs."""
        body = {"seed": self.seed("run"), "precision": precision, "changed": self.changed, "nudge": nudge}
        return parcel_in(self._ask("run_oracle", body, [], "outputs", inputs), "parcel")

    def gradients(self, parcels: list[Parcel], places: list[int], how: dict | None = None) -> GradientAnswer:
        """
        Output and gradients on inputs, with what outputs are multiplied by; `how` names a higher precision and a nudge,
        and asks for the gradients alone.
        """
        bodies, blobs = joined(parcels)
        asked = {"seed": self.seed("run"), "parcels": bodies, "places": places, "parameters": None}
        kind, more = ("gradients", {"changed": self.changed}) if how is None else ("exact_gradients", how)
        answer = self._ask(kind, asked | more, blobs, "differentiated")
        try:
            return gradient_answer(answer)
        except (Malformed, KeyError, TypeError, ValueError) as error:
            text = f"the reference's process sent {error}"
            raise Verdict("INVALID_REFERENCE", "task", "REF_INVALID", "task", text) from error

    def count_arithmetic(self, inputs: Parcel) -> Arithmetic | None:
        """Floating-point operations of a call; None where it cannot be run under the counter."""
        told = self._look("count_arithmetic", "arithmetic_counted", inputs)
        if told is None:
            return None
        dtype = told.body.get("dtype")
        counts = number_in(told, "flops"), number_in(told, "unavoidable")
        return Arithmetic(*counts, dtype if isinstance(dtype, str) else "")

    def find_needed(self, inputs: Parcel) -> tuple[list[float], int] | None:
        """Shares of the inputs that it needs at least, and bytes of parameters; None where nobody can tell."""
        told = self._look("find_needed", "needed_found", inputs)
        if told is None:
            return None
        shares = told.body.get("shares")
        if not isinstance(shares, list) or len(shares) != len(inputs.blobs):
            return None
        return [share if isinstance(share, float) and 0 <= share <= 1 else 0.0 for share in shares], number_in(
            told, "state_bytes"
        )

    # What a look at it finds is no reason to refuse it.
    def _look(self, kind: str, wanted: str, inputs: Parcel) -> Message | None:
        try:
            return self._ask(kind, {"seed": self.seed("run")}, [], wanted, inputs)
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return None

    def load_state(self, state: Parcel) -> None:
        """Gives it other parameters and buffers, under the same names."""
        names = {name: name for name in shapes_of(state)}
        self._ask("load_state", {"parcel": state.body(), "names": names}, state.blobs, "state_loaded")

    def seed(self, *purpose: str | int) -> int:
        """A seed for one purpose, which nobody else uses."""
        return derive_seed(self.settings.seed, self.task.id, self.workload.id, *purpose)

    def _ask(  # noqa: PLR0913
        self, kind: str, body: dict, blobs: list[Blob], wanted: str, inputs: Parcel | None = None, *, rests: bool = True
    ) -> Message:
        self.give_way()
        # Of a case the judge has inputs, what must come out, and what does. What is staged has its room already, and to
        # look for more would be part of what the judge's clock sees of a call, and of the reference's alone.
        if kind not in _STAGED:
            self.runner.leave_room(self.input_bytes + 2 * self.largest_answer)
        self.runner.allow(self.settings.timeout_s)
        body = {"workload": self.workload.id, **body}
        if inputs is not None:
            kept = inputs is self._kept
            body["parcel"], blobs = (None, []) if kept else (inputs.body(), inputs.blobs)
            if self._kept is not None and not kept and self.holds_inputs and inputs.num_bytes >= self._kept.num_bytes:
                # Of gigabytes one case is enough beside what it takes to compute on it.
                body["forgets_inputs"], self._kept = True, None
        return ask_reference(self.runner, Message(kind, body, blobs, rests=rests), wanted)
