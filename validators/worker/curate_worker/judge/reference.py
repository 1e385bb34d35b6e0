"""One workload of a task: the reference in its sandbox, fresh inputs, and what the right output of each call is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from ..chain import Chain
from ..channel import Message
from ..digests import digests_of
from ..tensors import Blob
from ..values import Parcel, joined
from .cases import MAX_CACHED_BYTES, Case, ReferenceCall, is_large, with_one_element_replaced
from .compare import compare
from .distributions import distributions_of
from .expected import by_own, expect, is_fit_to_judge, is_mostly_finite
from .faults import Verdict
from .leaves import leaves_of
from .mutants import MutantReport, MutantTrial, try_mutants
from .nudged import nudges_for
from .null_kernels import passing_null_kernel
from .precision import choose_precision
from .reference_errors import (
    ask_reference,
    number_in,
    pairs_in,
    parcel_in,
    require_usable_size,
    texts_in,
)
from .requests import Settings, Task, Workload
from .runner_handle import RunnerHandle
from .samples import Stopwatch, Timing
from .seeds import derive_seed
from .stochastic import NUM_INPUTS, ReferenceDraws, draws_of_reference
from .stochastic_power import require_power
from .tolerance import Tolerance, is_rounded

# The number of the case that is made from the first.
_NEAR, _DRAWN = -1, -2
_FEW_NUMBERS, _CALLS_FOR_FEW, _DRAWS_FOR_FEW, _CHEAP_BYTES = 16, 6, 8, 16 << 20
_CALLS_FOR_MANY = 3
# About as many cases as are looked at together.
_MANY = 10
_LOST = ("REF_CRASH", "REF_TIMEOUT", "REF_OUT_OF_MEMORY")


@dataclass
class Reference:
    """The reference of one workload, ready to make cases. Close it when the task is done."""

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
    precision: str | None = None
    """Precision of the oracle; None where the reference's own output is all there is."""
    parameters: list[str] = field(default_factory=list)
    """What is a parameter in `state`; the others are buffers."""
    mutated_inputs: frozenset[int] = frozenset()
    """Places of inputs that it writes into."""
    changed: list[int] = field(default_factory=list)
    """Those of them that are results: nothing else that comes out is the same memory."""
    aliases_inputs: bool = False
    is_stochastic: bool = False
    """Whether it draws random numbers: what it gives follows from the seed, and from nothing else."""
    mutants: MutantReport | None = None
    """How references with a mistake fared; None before they were tried."""
    largest_answer: int = 0
    """Bytes of the largest output."""
    _cases: dict[int, Case] = field(default_factory=dict)
    _drawn: dict[str, Case | None] = field(default_factory=dict)
    _draws: dict[int, ReferenceDraws] = field(default_factory=dict)
    _unseeded: list[int] = field(default_factory=list)
    """Places of inputs that are the same whatever the seed."""
    _secret: str = field(default_factory=lambda: secrets.token_hex(16))
    _kept: Parcel | None = None
    _is_large: bool | None = None
    _is_few: bool | None = None
    _tolerances: list[Tolerance | None] = field(default_factory=list)
    """What the outputs of the first case are held against."""
    _latest: Case | None = None
    """The last one that was too large to be kept for long."""

    @property
    def is_large(self) -> bool:
        """Whether a case takes gigabytes, so that there is room for one at a time."""
        if self._is_large is None:
            self._is_large = is_large(self.case(0))
        return self._is_large

    def case(self, index: int) -> Case:
        """
        The case of a call; the same index gives the same inputs on every machine of one kind, up to `num_calls`. Seeds
        that follow from what is published could be computed by a program, so later ones are drawn here.
        """
        if index in self._cases:
            return self._cases[index]
        if self._latest is not None and self._latest.index == index:
            return self._latest
        self._latest = self._kept = None
        case = self.new_case(index)
        if case.num_bytes + sum(kept.num_bytes for kept in self._cases.values()) <= MAX_CACHED_BYTES:
            self._cases[index] = case
        else:
            self._latest = case
        return case

    def unforeseen_case(self, number: int) -> Case:
        """A case whose inputs follow from nothing that is known outside this process."""
        return self.case(self.num_calls() + number)

    def _is_foreseen(self, index: int) -> bool:
        return index < self.settings.calls or index < self.num_calls()

    def new_case(self, index: int) -> Case:
        """As `case`, but made anew and not kept."""
        return self._case_of(index, self._make_inputs(self._purpose(index)))

    def case_by_itself(self, index: int) -> Case:
        """
        A case of a call that is only timed, of which there may be room for one: held against what the reference itself
        gives, whose process has its memory at hand then.
        """
        self._latest = self._kept = None
        inputs = self._make_inputs(self._purpose(index))
        own = self.call(inputs, flush=True, look=False).output
        return Case(index, inputs, by_own(own, self._tolerances), inputs.num_bytes + own.num_bytes)

    def _purpose(self, index: int) -> int | str:
        return index if self._is_foreseen(index) else f"{self._secret} {index}"

    def _case_of(self, index: int, inputs: Parcel, *, unusual: bool = False) -> Case:
        own = self.call(inputs, flush=False, look=False).output
        exact = None if self.precision is None else self._run_oracle(inputs, self.precision)
        nudged = self._nudged(inputs, own)
        usual = self.case(0).expected if unusual else None
        how = {"usual": usual, "nudged": nudged, "tensor_float": self.settings.precision == "allow_tf32"}
        num_bytes = inputs.num_bytes + own.num_bytes + (0 if exact is None else exact.num_bytes)
        return Case(index, inputs, expect(own, exact, inputs.tensors, **how), num_bytes)

    # What rounding of inputs would change, where that matters and is no great effort.
    def _nudged(self, inputs: Parcel, own: Parcel) -> list[Parcel]:
        leaves = leaves_of(own)
        can_be = self.precision == "float64" or (self.precision is None and not any(map(is_rounded, leaves)))
        nudges = nudges_for(leaves) if can_be and inputs.num_bytes <= _CHEAP_BYTES else []
        moves = [{"seed": self._seed("nudge", direction), "units": units} for direction, units in nudges]
        try:
            return [self._run_oracle(inputs, "float64", move) for move in moves]
        except Verdict as found:
            if found.cause in _LOST:
                raise
            return []

    def drawn_cases(self) -> Iterator[tuple[str, Case]]:
        """By distribution, cases with inputs drawn otherwise, but for those on which the reference cannot judge."""
        for name in () if self.is_large else self.distributions():
            case = self._drawn_case(name)
            if case is not None:
                yield name, case

    def num_calls(self) -> int:
        """
        Calls with inputs drawn as the task says: more where few numbers come out, which chance may hit; fewer where
        billions do.
        """
        if self.is_large:
            return min(self.settings.calls, _CALLS_FOR_MANY)
        return max(self.settings.calls, _CALLS_FOR_FEW) if self._gives_few_numbers() else self.settings.calls

    def _gives_few_numbers(self) -> bool:
        if self._is_few is None:
            case = self.case(0)
            count = sum(leaf.tensor().numel() for leaf in case.expected.own if leaf.descriptor)
            self._is_few = count < _FEW_NUMBERS and case.num_bytes < _CHEAP_BYTES
        return self._is_few

    def distributions(self) -> tuple[str, ...]:
        """Those that this mode asks for; the most telling one again where few numbers come out."""
        asked = distributions_of(self.settings.mode)
        again = range(2, _DRAWS_FOR_FEW + 1) if self._gives_few_numbers() else ()
        return (*asked, *(f"{asked[0]} {number}" for number in again))

    def _drawn_case(self, name: str) -> Case | None:
        if name in self._drawn:
            return self._drawn[name]
        try:
            inputs = self._make_inputs(f"drawn {name}", _dice_of(name))
            case = self._case_of(_DRAWN, inputs, unusual=True)
        except Verdict as found:
            if found.cause in _LOST:
                raise
            case = None
        if case is not None and not is_fit_to_judge(case.expected, self.case(0).expected):
            case = None
        if not self._is_heavy:
            self._drawn[name] = case
        return case

    def contract_case(self, change: Callable[[Parcel], Parcel | None]) -> Case | None:
        """The first case with changed inputs; None where that cannot be, or the reference is of no use on them."""
        inputs = change(self.case(0).inputs)
        if inputs is None:
            return None
        try:
            case = self._case_of(_DRAWN, inputs, unusual=True)
        except Verdict as found:
            if found.cause in _LOST:
                raise
            return None
        return case if is_mostly_finite(case.expected) else None

    def near_case(self) -> Case | None:
        """
        The first case with one element of every floating-point input replaced by another of the same tensor; None where
        there is no such input, or where the reference cannot be run on that.
        """
        if _NEAR in self._cases:
            return self._cases[_NEAR]
        is_large = self.is_large
        inputs = with_one_element_replaced(self.case(0).inputs, self._seed("near"))
        if is_large:
            self._latest = None
        if inputs is None:
            return None
        try:
            case = self._case_of(_NEAR, inputs)
        except Verdict:
            return None
        if not is_large:
            self._cases[_NEAR] = case
        return case

    def call(
        self, inputs: Parcel, *, flush: bool, purpose: str = "run", look: bool = True, patience: int = 1
    ) -> ReferenceCall:
        """Runs the reference in its own dtype; `look` asks what became of its inputs, `patience` is the clock's."""
        self._ask("stage", {"seed": self._seed(purpose), "flush": flush}, [], "staged", inputs)
        watch = Stopwatch()
        how = {"blocked": False, "ablated": False, "patience": patience, "changed": self.changed}
        answer = self._ask("call", how, [], "called")
        outside = watch.nanoseconds()
        told = self._ask("facts", {"digests": look}, [], "told")
        inside, waited = number_in(answer, "nanoseconds"), number_in(answer, "waited_nanoseconds")
        output = parcel_in(answer, "parcel")
        require_usable_size(output)
        self.largest_answer = max(self.largest_answer, output.num_bytes)
        timing = Timing(inside, waited, outside, answer.body.get("host_was_free") is True)
        return ReferenceCall(output, timing, texts_in(told, "input_digests"), pairs_in(told, "aliases"))

    def chain(self, chain: Chain, inputs: list[Parcel]) -> int:
        """Calls in a row; gives the nanoseconds that it took beside the calls themselves."""
        bodies, blobs = joined(inputs)
        watch = Stopwatch()
        body = {**chain.body(), "seed": self._seed("run"), "changed": self.changed, "parcels": bodies}
        answer = self._ask("chain", body, blobs, "chained")
        return max(0, watch.nanoseconds() - number_in(answer, "nanoseconds"))

    def draws(self, number: int) -> tuple[Case, ReferenceDraws]:
        """Of a stochastic reference: one of the inputs it is judged on, and what it draws there."""
        case = self.case(0) if number == 0 else self.unforeseen_case(0)
        if number not in self._draws:

            def draw(call: int) -> Parcel:
                return self.call(case.inputs, flush=False, purpose=f"draw {number} {call}", look=False).output

            self._draws[number] = draws_of_reference(draw, case.expected, case.num_bytes)
        return case, self._draws[number]

    def samples(self) -> Iterator[tuple[Parcel, ReferenceCall]]:
        """Inputs, the first as the task says, with what the reference makes of them: held against nothing."""
        first = self._make_inputs(0)
        yield first, self.call(first, flush=False)
        self._find_unseeded(digests_of(first))
        again = self._make_inputs(1)
        yield again, self.call(again, flush=False)
        for name in distributions_of("standard"):
            try:
                drawn = self._make_inputs(f"drawn {name}", _dice_of(name))
                sample = drawn, self.call(drawn, flush=False)
            except Verdict:
                # Numbers of this kind are not for it; the process may be lost.
                return
            yield sample

    def prove(self) -> None:
        """Settles the oracle, shows that the reference repeats itself and that null kernels fail. Raises a Verdict."""
        digests = self._look_at_first_call()
        self._require_repeatable()
        if self.is_stochastic:
            require_power([self.draws(number) for number in range(NUM_INPUTS)])
            return
        self._tolerances = self.case(0).expected.tolerances
        self._find_unseeded(digests)
        calls = [(case.inputs, case.expected) for case in map(self.case, self._numbers())]
        more = ((case.inputs, case.expected) for _, case in self.drawn_cases())
        passing = passing_null_kernel(calls, more) if self._is_heavy else passing_null_kernel([*calls, *more])
        if passing is not None:
            text = f"{passing} would pass on every call, so that passing means nothing"
            raise Verdict("INVALID_REFERENCE", "task", "LOW_POWER", "task", text)

    def _find_unseeded(self, digests: list[str]) -> None:
        others = zip(digests, digests_of(self._make_inputs(1)), strict=False)
        self._unseeded = [place for place, (first, second) in enumerate(others) if first == second]

    def _look_at_first_call(self) -> list[str]:
        inputs = self._make_inputs(0)
        call = self.call(inputs, flush=False)
        digests = digests_of(inputs)
        pairs = enumerate(zip(call.input_digests, digests, strict=True))
        self.mutated_inputs = frozenset(index for index, (after, before) in pairs if after != before)
        self.aliases_inputs = bool(call.aliases)
        self.changed = sorted(self.mutated_inputs - {index for _, index in call.aliases})
        output = self.call(inputs, flush=False, look=False).output if self.changed else call.output
        self.precision = choose_precision(output, lambda precision: self._run_oracle(inputs, precision))
        return digests

    # Of those that can be held at the same time. What one large output tells, a second need not tell again.
    def _numbers(self) -> range:
        if self.is_large:
            return range(1)
        return range(min(2, self.num_calls()) if self._is_heavy else self.num_calls())

    @property
    def _is_heavy(self) -> bool:
        return self.is_large or _MANY * self.case(0).num_bytes > MAX_CACHED_BYTES

    # Another state of the random generator must not change the result beyond rounding, or be all that it depends on.
    def _require_repeatable(self) -> None:
        case = self.case(0)
        output = self.call(case.inputs, flush=False, purpose="run again", look=False).output
        try:
            compare(output, case.expected)
        except Verdict as found:
            self.is_stochastic = self._follows_from_seed(case)
            if not self.is_stochastic:
                text = f"two calls of the reference on the same input differ: {found.log}"
                raise Verdict("INVALID_REFERENCE", "task", "REF_NONDETERMINISTIC", "task", text) from found

    def _follows_from_seed(self, case: Case) -> bool:
        try:
            compare(self.call(case.inputs, flush=False, look=False).output, case.expected)
        except Verdict:
            return False
        return True

    def _make_inputs(self, purpose: int | str, dice: str | None = None) -> Parcel:
        answer = self._ask("make_inputs", {**self._how(purpose, dice), "keep": False}, [], "inputs")
        # The process keeps what it made last, so that it need not be sent back to where it came from.
        parcel = parcel_in(answer, "parcel")
        self._kept = None if parcel.stays_on_gpu else parcel
        return parcel

    # The first call is as the task says; whatever says the same in all of its elements is moved apart in the others.
    def _how(self, purpose: int | str, dice: str | None = None) -> dict:
        is_first = purpose == 0
        return {
            "seed": self._seed("inputs", purpose),
            "dice": dice,
            "vary": not is_first,
            "jitter": [] if is_first else self._unseeded,
        }

    def try_mutants(self, start: Callable[[], RunnerHandle], opening: Message) -> None:
        """Tries references with mistakes on the same inputs. Raises a Verdict where most of them would pass."""
        numbers = self._numbers()[: self.settings.calls]
        cases = [(self._how(index), partial(self.case, index)) for index in numbers]
        drawn = [
            (self._how(f"drawn {name}", _dice_of(name)), partial(self._drawn_case, name))
            for name in self.distributions()
        ]
        seed, timeout_s = self._seed("mutants"), self.settings.timeout_s
        how = (self.settings.mode, seed, timeout_s, self.give_way, self.changed)
        self.mutants = try_mutants(MutantTrial(start, opening, [*cases, *drawn], *how))
        if self.mutants.tells_too_little:
            mistakes = "; ".join(self.mutants.survivors)
            text = f"references with a mistake would pass, so that passing means little: {mistakes}"
            raise Verdict("INVALID_REFERENCE", "task", "MUTANTS_SURVIVE", "task", text)

    def _run_oracle(self, inputs: Parcel, precision: str, nudge: dict | None = None) -> Parcel:
        body = {"seed": self._seed("run"), "precision": precision, "changed": self.changed, "nudge": nudge}
        return parcel_in(self._ask("run_oracle", body, [], "outputs", inputs), "parcel")

    def _ask(self, kind: str, body: dict, blobs: list[Blob], wanted: str, inputs: Parcel | None = None) -> Message:
        self.give_way()
        self.runner.allow(self.settings.timeout_s)
        body = {"workload": self.workload.id, **body}
        if inputs is not None:
            kept = inputs is self._kept
            body["parcel"], blobs = (None, []) if kept else (inputs.body(), inputs.blobs)
        return ask_reference(self.runner, Message(kind, body, blobs), wanted)

    def _seed(self, *purpose: str | int) -> int:
        return derive_seed(self.settings.seed, self.task.id, self.workload.id, *purpose)


# "by-row 2" is drawn as "by-row" is, from another seed.
def _dice_of(name: str) -> str:
    return name.partition(" ")[0]
