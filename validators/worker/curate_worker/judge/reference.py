"""One workload of a task: the reference, proved fit to judge by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import torch

from ..channel import Message
from ..effects import effects_of
from ..values import Parcel
from .cases import Case, ReferenceCall
from .compare import compare, compare_structure
from .distributions import dice_of, distributions_of, gate_draws_of
from .drawing_cases import DrawingCases
from .expected import are_as_finite
from .faults import RunnerLost, Verdict
from .gradient_cases import GradientCase
from .gradient_choice import gradient_cases_of
from .leaves import leaves_of
from .mutants import MutantReport, MutantTrial, try_mutants
from .null_kernels import Call, passing_null_kernel
from .precision import choose_precision
from .proofs import Proof
from .quick_digests import digests_of
from .reference_errors import LOST_CAUSES
from .runner_handle import RunnerHandle
from .sampled_rows import Rows
from .state import is_counter
from .stochastic_power import require_power

TIMES_CASE = 5
"""Inputs and output, in judge, candidate and reference, with copies between bands and what computing takes."""


@dataclass
class Reference(DrawingCases):
    """The reference of one workload, ready to judge by."""

    mutated_inputs: frozenset[int] = frozenset()
    """Places of inputs that it writes into."""
    aliases_inputs: bool = False
    returns_parameters: bool = False
    has_twin_outputs: bool = False
    """Whether what it returns is the memory of its parameters or buffers."""
    changed_state: frozenset[str] = frozenset()
    """Parameters and buffers that it writes into."""
    is_stochastic: bool = False
    """Whether it draws random numbers: what it gives follows from the seed, and from nothing else."""
    mutants: MutantReport | None = None
    """How references with a mistake fared; None before they were tried."""
    is_timed: bool = False
    """Whether a call of it was timed on a GPU."""
    gradient_places: list[int] = field(default_factory=list)
    """Inputs that the task wants gradients of."""
    _has_constant_integers: bool = False
    _has_numbers: bool = False
    _gates_among_inputs: list[str] = field(default_factory=list)
    _gradient_cases: list[GradientCase | str] = field(default_factory=list)

    def prove(self) -> None:
        """Settles the oracle, shows that the reference repeats itself and that null kernels fail. Raises a Verdict."""
        digests = self._look_at_first_call()
        # An oracle for all of it has no room beside them.
        self.holds_inputs = self.rows is not None and self._can_hold_inputs
        self._require_repeatable()
        if self.is_stochastic:
            require_power([(drawing.case, drawing.draws) for drawing in self.drawings()])
            return
        self.tolerances = self.usual().tolerances
        self._try_with("varies_integers", is_asked=self._has_constant_integers)
        self._find_unseeded(digests)
        self._try_with("reorders_integers", is_asked=bool(self.unseeded))
        self._try_with("varies_numbers", is_asked=self._has_numbers)
        self._find_gates()
        passing = self._passing_null_kernel()
        if passing is not None:
            text = f"{passing} would pass on every call, so that passing means nothing"
            raise Verdict("INVALID_REFERENCE", "task", "LOW_POWER", "task", text)
        if self.is_large:
            self._spare_oracle()

    # A mask of ones and lengths that are all the same ask to be left out, other integers to be known by heart.
    def _try_with(self, name: str, *, is_asked: bool) -> None:
        if is_asked and not (self.is_tame or self.is_large):
            setattr(self, name, True)
            setattr(self, name, self._bears_its_inputs())

    # Where others change what comes out in kind, they are sizes; what ends the process ends this attempt at the task,
    # and the next one is tame.
    def _bears_its_inputs(self) -> bool:
        try:
            mine = leaves_of(self.call(self.make_inputs(self.how(1)), flush=False, look=False).output)
            compare_structure(mine, self.case(0).expected.own)
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return False
        return are_as_finite(mine, self.usual())

    # Made now: a number that is drawn in another size may end the process, as another integer may.
    def _find_gates(self) -> None:
        if self.is_tame or self.is_large:
            return
        wanted, among_inputs = gate_draws_of(self.settings.mode), self._gates_among_inputs
        self.gates = [draw for draw in wanted if draw in among_inputs or self.draw_gates(draw) is not None]
        for _ in self.gate_cases():
            pass

    def _passing_null_kernel(self) -> str | None:
        drawn = [partial(self._drawn_call, name) for name in self.distributions()]
        if self.is_large:
            # What fails on some rows fails on all of them.
            if self.rows is not None and passing_null_kernel([self._call_of(self.rows)]) is None:
                return None
            return passing_null_kernel([], [partial(self._usual_call, 0), *drawn])
        calls = [self._usual_call(number) for number in self._numbers()]
        if self.is_heavy:
            return passing_null_kernel(calls, drawn)
        return passing_null_kernel([*calls, *(call for call in (make() for make in drawn) if call is not None)])

    # Of every distribution something must be known first, while nobody else needs the memory.
    def _spare_oracle(self) -> None:
        for name in self.distributions():
            if name not in self._drawn_tolerances:
                self.drawn_case(name)
        self._latest = None
        self._be_large()

    def _be_large(self) -> None:
        self.spares_oracle = self._is_large = True
        # Where that does not fit, inputs that the reference still has are missing when the candidate is called.
        self.holds_inputs, of_case = False, TIMES_CASE * (self.input_bytes + self.largest_answer)
        if self.device != "cpu" and of_case <= torch.cuda.mem_get_info()[1]:
            self._keep_memory()

    def begin_timing(self) -> None:
        """
        From now on nobody gives memory of a case back between two calls: a timed program keeps its own anyway, and the
        judge needs what it has when an output arrives.
        """
        if self.device == "cpu" or self.keeps_memory:
            return
        if self.is_large:
            self._keep_memory()
            return
        self.is_timed = True
        self.runner.keep_memory()

    def _keep_memory(self) -> None:
        self.keeps_memory, self.holds_inputs = True, self._can_hold_inputs
        self.runner.lend_memory(rests=True)
        self.runner.keep_memory()

    @property
    def _can_hold_inputs(self) -> bool:
        return self.device != "cpu" and not (self.mutated_inputs or self.changed)

    def proof(self) -> Proof:
        """What was proved of a large one."""
        return Proof(
            precision=self.precision,
            usual=self.usual(),
            drawn=self._drawn_tolerances,
            unseeded=self.unseeded,
            mutated_inputs=sorted(self.mutated_inputs),
            gradient_places=self.gradient_places,
            changed_state=sorted(self.changed_state),
            changed=self.changed,
            orders=self.orders,
            aliases_inputs=self.aliases_inputs,
            returns_parameters=self.returns_parameters,
            has_twin_outputs=self.has_twin_outputs,
            input_bytes=self.input_bytes,
            largest_answer=self.largest_answer,
        )

    def recall(self, proof: Proof) -> None:
        """Knows it without proving it again."""
        self.precision, self._usual, self.tolerances = proof.precision, proof.usual, proof.usual.tolerances
        self._drawn_tolerances, self.unseeded = proof.drawn, proof.unseeded
        self.mutated_inputs, self.changed_state = frozenset(proof.mutated_inputs), frozenset(proof.changed_state)
        self.gradient_places, self.changed, self.orders = proof.gradient_places, proof.changed, proof.orders
        self.aliases_inputs, self.returns_parameters = proof.aliases_inputs, proof.returns_parameters
        self.has_twin_outputs = proof.has_twin_outputs
        self.input_bytes, self.largest_answer = proof.input_bytes, proof.largest_answer
        self._is_few = False
        self._be_large()

    def _usual_call(self, number: int) -> Call:
        case = self.case(number)
        return case.inputs, case.expected

    def _call_of(self, rows: Rows) -> Call:
        case = self.case(0)
        return rows.of(case.inputs), case.calibrated

    def _drawn_call(self, name: str) -> Call | None:
        case = self.drawn_case(name)
        return None if case is None else (case.inputs, case.expected)

    def _find_unseeded(self, digests: list[str]) -> None:
        others = zip(digests, digests_of(self.make_inputs(self.how(1))), strict=False)
        self.unseeded = [place for place, (first, second) in enumerate(others) if first == second]

    def _look_at_first_call(self) -> list[str]:
        inputs = self.make_inputs(self.how(0))
        self.gradient_places, self.input_bytes = self.with_gradient, inputs.num_bytes
        self._has_constant_integers, self._gates_among_inputs = self.has_constant_integers, self.gates_among_inputs
        self._has_numbers = any(type(leaf.plain) is float for leaf in leaves_of(inputs))
        self.is_wide = any(descriptor.dtype == "bfloat16" for descriptor in inputs.tensors)
        call = self.call(inputs, flush=False)
        digests = digests_of(inputs)
        pairs = enumerate(zip(call.input_digests, digests, strict=True))
        self.mutated_inputs = frozenset(index for index, (after, before) in pairs if after != before)
        self.aliases_inputs, self.has_twin_outputs = bool(call.aliases), call.has_twin_outputs
        self.returns_parameters, self.changed_state = call.is_parameter, frozenset(call.changed_state)
        written = sorted(self.mutated_inputs - {index for _, index in call.aliases})
        self.changed = effects_of(written, {name: name for name in call.changed_state if not is_counter(name)})
        output = self.call(inputs, flush=False, look=False).output if self.changed else call.output
        some, its = self.find_rows(inputs, output)
        chosen = choose_precision(its, lambda precision: self.run_oracle(some, precision))
        self.precision, exact = (None, None) if chosen is None else chosen
        self.know_first_call(self.first_case((inputs, output), (some, its, exact)))
        return digests

    # Another state of the random generator must not change the result beyond rounding, or be all that it depends on.
    def _require_repeatable(self) -> None:
        case = self.case(0)
        output = self.call(case.inputs, flush=False, purpose="run again", look=False).output
        try:
            compare(output, case.expected)
        except Verdict as found:
            self.is_stochastic = self._follows_fromseed(case)
            if not self.is_stochastic:
                text = f"two calls of the reference on the same input differ: {found.log}"
                raise Verdict("INVALID_REFERENCE", "task", "REF_NONDETERMINISTIC", "task", text) from found

    def _follows_fromseed(self, case: Case) -> bool:
        try:
            compare(self.call(case.inputs, flush=False, look=False).output, case.expected)
        except Verdict:
            return False
        return True

    def gradient_cases(self) -> list[GradientCase | str]:
        """Calls whose gradients are compared, or why there are none; nothing where the task wants none."""
        if self.gradient_places and not self._gradient_cases:
            self._gradient_cases = gradient_cases_of(self)
        return self._gradient_cases

    def samples(self) -> Iterator[tuple[Parcel, ReferenceCall]]:
        """Inputs, the first as the task says, with what the reference makes of them: held against nothing."""
        first = self.make_inputs(self.how(0))
        yield first, self.call(first, flush=False)
        self._find_unseeded(digests_of(first))
        again = self.make_inputs(self.how(1))
        yield again, self.call(again, flush=False)
        for name in distributions_of("standard"):
            try:
                drawn = self.make_inputs(self.how(f"drawn {name}", dice_of(name)))
                sample = drawn, self.call(drawn, flush=False)
            except Verdict:
                # Numbers of this kind are not for it; the process may be lost.
                return
            yield sample

    def try_mutants(self, start: Callable[[], RunnerHandle], opening: Message) -> None:
        """Tries references with mistakes on the same inputs. Raises a Verdict where most of them would pass."""
        numbers = self._numbers()[: self.settings.calls]
        cases = [(self.how(index), partial(self.case, index)) for index in numbers]
        drawn = [
            (self.how(f"drawn {name}", dice_of(name)), partial(self.drawn_case, name)) for name in self.distributions()
        ]
        seed, timeout_s = self.seed("mutants"), self.settings.timeout_s
        how = (self.settings.mode, seed, timeout_s, self.give_way, self.changed)
        trial = MutantTrial(self.runner, start, opening, [*cases, *drawn], *how)
        try:
            self.mutants, self.runner = try_mutants(trial)
        except RunnerLost as lost:
            raise Verdict("INVALID_REFERENCE", "task", "REF_CRASH", "task", f"the reference: {lost}") from lost
        finally:
            # The process has other inputs now.
            self.forget_inputs()
        if self.mutants.tells_too_little:
            mistakes = "; ".join(self.mutants.survivors)
            text = f"references with a mistake would pass, so that passing means little: {mistakes}"
            raise Verdict("INVALID_REFERENCE", "task", "MUTANTS_SURVIVE", "task", text)
