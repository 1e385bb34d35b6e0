"""Inputs that a stochastic reference is judged on, and what it draws there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..values import Parcel
from .case_making import DRAWN, MOVED
from .cases import Case
from .expected import are_as_finite
from .faults import Verdict
from .moved_state import with_parameters_moved
from .reference_errors import LOST_CAUSES
from .state_cases import StateCases
from .stochastic import NUM_INPUTS, ReferenceDraws, draws_of_reference

_OTHER_DISTRIBUTION = "by-row"
# What differs on them differs by much, and every draw is a call.
_SHARE_OF_OTHERS = 2


@dataclass(frozen=True)
class Drawing:
    """One of the inputs, with the parameters that it is called with."""

    case: Case
    draws: ReferenceDraws
    state: Parcel | None
    """None for the task's own."""


@dataclass
class DrawingCases(StateCases):
    """Makes these as well."""

    _drawings: dict[int, Drawing | None] = field(default_factory=dict)

    def drawings(self) -> Iterator[Drawing]:
        """
        The task's own inputs; some that nobody could foresee, with other parameters; and some with rows of different
        sizes, where the reference bears them. What is left out before a dropout may be next to nothing on the first.
        """
        for number in range(NUM_INPUTS):
            if number not in self._drawings:
                self._drawings[number] = self._drawing(number)
            found = self._drawings[number]
            if found is not None:
                yield found

    def _drawing(self, number: int) -> Drawing | None:
        if number == 0:
            return self._drawn_on(number, self.case(0), None)
        if self.is_large:
            return self._drawn_on(number, self.unforeseen_case(0), None) if number == 1 else None
        if number > 1:
            inputs = self.make_inputs(self.how(f"{self._secret} drawn", _OTHER_DISTRIBUTION))
            return self._drawn_with(number, inputs, None)
        state = with_parameters_moved(self.state, self.parameters, self.seed("moved"))
        inputs = self.make_inputs(self.how(f"{self._secret} draws"))
        return self._drawn_with(number, inputs, state) or self._drawn_with(number, inputs, None)

    # None where the reference is of no use on that.
    def _drawn_with(self, number: int, inputs: Parcel, state: Parcel | None) -> Drawing | None:
        try:
            with self._with_state(state):
                case = self.case_of(DRAWN if state is None else MOVED, inputs)
                is_borne = are_as_finite(case.expected.own, self.usual())
                return self._drawn_on(number, case, state) if is_borne else None
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return None

    def _drawn_on(self, number: int, case: Case, state: Parcel | None) -> Drawing:
        def draw(call: int) -> Parcel:
            return self.call(case.inputs, flush=False, purpose=f"draw {number} {call}", look=False).output

        share = 1 if number == 0 else _SHARE_OF_OTHERS
        return Drawing(case, draws_of_reference(draw, case.expected, case.num_bytes, share=share), state)

    @contextmanager
    def _with_state(self, state: Parcel | None) -> Iterator[None]:
        if state is not None:
            self.load_state(state)
        try:
            yield
        finally:
            if state is not None:
                self.load_state(self.state)
