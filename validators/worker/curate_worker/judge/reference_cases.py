"""The cases that a candidate is judged on: inputs of one workload, and what the reference makes of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..values import Parcel
from .case_making import CHEAP_BYTES, DRAWN, NEAR, SHRUNK, CaseMaker
from .cases import (
    MAX_CACHED_BYTES,
    Case,
    OpenCase,
    is_large,
    with_numbers_shrunk,
    with_one_element_replaced,
    with_two_elements_exchanged,
)
from .distributions import dice_of, distributions_of, is_of_use
from .expected import Usual, are_alike, are_as_finite, is_fit_to_judge, is_mostly_finite
from .faults import Verdict
from .leaves import have_same_numbers, leaves_of
from .nudged import doubtful_indices, is_index
from .reference_errors import LOST_CAUSES
from .tolerance import Tolerance

_FEW_NUMBERS, _CALLS_FOR_FEW, _DRAWS_FOR_FEW = 16, 6, 8
_CALLS_FOR_MANY, _DISTRIBUTIONS_FOR_MANY = 2, 2
# About as many cases as are looked at together.
_MANY = 10


@dataclass
class ReferenceCases(CaseMaker):
    """Makes cases, and keeps those that are small."""

    _cases: dict[int, Case] = field(default_factory=dict)
    _drawn: dict[str, Case | None] = field(default_factory=dict)
    is_wide: bool = False
    """Whether inputs are of bfloat16, which goes further than float16."""
    _secret: str = field(default_factory=lambda: secrets.token_hex(16))
    _usual: Usual | None = None
    _is_large: bool | None = None
    _is_few: bool | None = None
    _drawn_tolerances: dict[str, list[Tolerance | None] | None] = field(default_factory=dict)
    """As `tolerances`, by distribution, of large cases; None where the reference cannot judge."""
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
        self._latest = None
        self.forget_inputs()
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

    def know_first_call(self, case: Case) -> None:
        """Takes what was made to find out how it is judged for the first case, which would be the same."""
        if case.num_bytes <= MAX_CACHED_BYTES:
            self._cases[0] = case
        else:
            self._latest = case

    def new_case(self, index: int) -> Case:
        """As `case`, but made anew and not kept."""
        return self.case_of(index, self.make_inputs(self.how(self._purpose(index))))

    def case_by_itself(self, index: int) -> OpenCase:
        """
        A case of a call that is only timed, of which there may be room for one: held against what the reference itself
        gives when it is timed.
        """
        self._latest = None
        self.forget_inputs()
        inputs = self.make_inputs(self.how(self._purpose(index)))
        return OpenCase(index, inputs, inputs.num_bytes + self.largest_answer, self.tolerances, self.orders)

    def _purpose(self, index: int) -> int | str:
        return index if self._is_foreseen(index) else f"{self._secret} {index}"

    def usual(self) -> Usual:
        """What to expect where inputs are as the task says, in few words."""
        if self._usual is None:
            self._usual = Usual.of(self.case(0).calibrated)
        return self._usual

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
            self._is_few = count < _FEW_NUMBERS and case.num_bytes < CHEAP_BYTES
        return self._is_few

    def distributions(self) -> tuple[str, ...]:
        """
        Those that this mode asks for, the first of them where billions come out; the most telling one again where few
        numbers do.
        """
        text, is_exact = self.task.reference, None in self.usual().tolerances
        how = {"is_exact": is_exact, "is_wide": self.is_wide}
        asked = tuple(name for name in distributions_of(self.settings.mode) if is_of_use(name, text, **how))
        if self.is_large:
            return asked[:_DISTRIBUTIONS_FOR_MANY]
        again = range(2, _DRAWS_FOR_FEW + 1) if self._gives_few_numbers() else ()
        return (*asked, *(f"{asked[0]} {number}" for number in again))

    def drawn_case(self, name: str) -> Case | None:
        """The case of a distribution; None where the reference cannot judge on it."""
        if name in self._drawn:
            return self._drawn[name]
        if self.is_large:
            return self._large_drawn_case(name)
        case = self._fit_drawn_case(name)
        if not self.is_heavy:
            self._drawn[name] = case
        return case

    def _large_drawn_case(self, name: str) -> Case | None:
        # Before the case that it is taken from is gone.
        self.usual()
        self._latest = None
        self.forget_inputs()
        if name not in self._drawn_tolerances:
            case = self._fit_drawn_case(name)
            self._drawn_tolerances[name] = None if case is None else case.calibrated.tolerances
            return case
        tolerances = self._drawn_tolerances[name]
        return None if tolerances is None else self.case_by_own(DRAWN, self._drawn_inputs(name), tolerances)

    def _drawn_inputs(self, name: str, secret: str = "") -> Parcel:
        return self.make_inputs(self.how(f"{secret}drawn {name}", dice_of(name)))

    def unforeseen_drawn_case(self, name: str) -> Case | None:
        """As `drawn_case`, of inputs that follow from nothing that is known outside this process."""
        return self._fit_drawn_case(name, f"{self._secret} ")

    def _fit_drawn_case(self, name: str, secret: str = "") -> Case | None:
        usual = self.usual()
        try:
            case = self._without_doubtful(self.case_of(DRAWN, self._drawn_inputs(name, secret), self.usual()))
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return None
        # Where the reference overflows itself, what else overflows says little.
        is_borne = dice_of(name) != "extreme" or are_as_finite(case.calibrated.own, usual)
        return case if is_borne and is_fit_to_judge(case.calibrated, usual) else None

    # On inputs as the task draws them indices are compared to the last digit.
    def _without_doubtful(self, case: Case) -> Case:
        own = case.expected.own
        is_cheap = case.inputs.num_bytes <= CHEAP_BYTES and self.precision in ("float64", None)
        if self.spares_oracle or not is_cheap or not any(map(is_index, own)):
            return case
        moves = [{"seed": self.seed("roughly", number), "units": 1.0, "is_rough": True} for number in range(2)]
        moved = [leaves_of(self.run_oracle(case.inputs, "float64", move)) for move in moves]
        if not all(are_alike(leaves, own) for leaves in moved):
            return case
        doubtful = [doubtful_indices(leaf, [leaves[place] for leaves in moved]) for place, leaf in enumerate(own)]
        return replace(case, expected=replace(case.expected, doubtful=doubtful))

    def contract_case(self, change: Callable[[Parcel], Parcel | None]) -> Case | None:
        """The first case with changed inputs; None where that cannot be, or the reference is of no use on them."""
        inputs = change(self.case(0).inputs)
        if inputs is None:
            return None
        try:
            case = self.case_of(DRAWN, inputs, self.usual())
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return None
        return case if is_mostly_finite(case.expected) else None

    def near_case(self) -> Case | None:
        """
        The first case with two elements of every floating-point input, or of integers where there are no others,
        exchanged or, where nothing else comes of that, one replaced by another of the same tensor; None where there is
        no such input, or where the reference cannot be run on that.
        """
        if NEAR in self._cases:
            return self._cases[NEAR]
        if self.is_large:
            return self._near_case(with_one_element_replaced)
        case = self._near_case(with_two_elements_exchanged)
        if case is None or have_same_numbers(case.expected.own, self.case(0).expected.own):
            case = self._near_case(with_one_element_replaced)
        if case is not None:
            self._cases[NEAR] = case
        return case

    def shrunk_case(self) -> Case | None:
        """The first case with every number with a fraction a little smaller; None where there is no such input."""
        if SHRUNK not in self._cases:
            case = None if self.is_large else self._near_case(with_numbers_shrunk, SHRUNK)
            if case is None:
                return None
            self._cases[SHRUNK] = case
        return self._cases[SHRUNK]

    def _near_case(self, change: Callable[[Parcel, int], Parcel | None], index: int = NEAR) -> Case | None:
        inputs = change(self.case(0).inputs, self.seed("near"))
        if self.is_large:
            self._latest = None
            self.forget_inputs()
        if inputs is None:
            return None
        try:
            return self.case_of(index, inputs)
        except Verdict:
            return None

    # Of those that can be held at the same time. What one large output tells, a second need not tell again.
    def _numbers(self) -> range:
        if self.is_large:
            return range(1)
        return range(min(2, self.num_calls()) if self.is_heavy else self.num_calls())

    @property
    def is_heavy(self) -> bool:
        """Whether all of them cannot be held at the same time."""
        return self.is_large or _MANY * self.case(0).num_bytes > MAX_CACHED_BYTES
