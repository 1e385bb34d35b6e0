"""The cases that a candidate is judged on with other parameters than the task's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..values import Parcel
from .case_making import MOVED
from .cases import Case
from .compare import compare_structure
from .expected import is_fit_to_judge
from .faults import Verdict
from .moved_state import with_parameters_moved
from .reference_cases import ReferenceCases
from .reference_errors import LOST_CAUSES


@dataclass
class StateCases(ReferenceCases):
    """Makes these cases as well."""

    gates: list[str] = field(default_factory=list)
    """In which other sizes parameters, or constant inputs, are drawn."""
    _gate_cases: dict[str, tuple[Parcel, Case] | None] = field(default_factory=dict)
    _moved: tuple[Parcel, Case] | None = None
    _is_moved: bool = False
    """Whether `_moved` was made, or cannot be."""

    def moved_case(self) -> tuple[Parcel, Case] | None:
        """
        The inputs of the first case with other parameters, and these: what a program remembers of the parameters it had
        is wrong here. None where there are none, or where the reference is of no use with others.
        """
        if not self._is_moved:
            self._is_moved = True
            state = None if self.is_large else with_parameters_moved(self.state, self.parameters, self.seed("moved"))
            case = None if state is None else self._case_with(state, self.case(0).inputs)
            self._moved = None if state is None or case is None else (state, case)
        return self._moved

    def gate_cases(self) -> Iterator[tuple[str, Parcel, Case]]:
        """
        Calls in which parameters and inputs that may hardly matter, such as a scale that begins as zero, are next to
        nothing, or larger and of the other sign, or nothing: what is left out below a threshold is missing here.
        """
        for draw in self.gates:
            if draw not in self._gate_cases:
                state = self.draw_gates(draw)
                known = self.state if state is None else state
                case = self._case_with(known, self.make_inputs(self.how(f"gates {draw}", gates=draw)))
                self._gate_cases[draw] = None if case is None else (known, case)
            found = self._gate_cases[draw]
            if self.is_heavy:
                del self._gate_cases[draw]
            if found is not None:
                yield draw, *found

    def _case_with(self, state: Parcel, inputs: Parcel) -> Case | None:
        try:
            self.load_state(state)
            case = self.case_of(MOVED, inputs, self.usual())
            compare_structure(case.expected.own, self.case(0).expected.own)
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return None
        finally:
            self.load_state(self.state)
        return case if is_fit_to_judge(case.calibrated, self.usual()) else None
