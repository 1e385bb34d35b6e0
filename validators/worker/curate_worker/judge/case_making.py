"""Makes the cases that a candidate is judged on, with the process of the reference."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, partial

from ..values import Parcel
from .cases import MAX_CACHED_BYTES, Case
from .distributions import may_name_places
from .expected import Expected, Usual, are_alike, by_own, expect
from .faults import Verdict
from .free_orders import Orders, find_orders, may_be_free
from .leaves import Leaf, leaves_of
from .nudged import FURTHER, FURTHER_UNITS, nudges_for
from .reference_errors import LOST_CAUSES
from .reference_program import ReferenceProgram
from .sampled_rows import Rows, have_same_bytes, rows_for
from .tolerance import Tolerance, is_rounded

NEAR, DRAWN, MOVED, SHRUNK = -1, -2, -3, -4
"""The numbers of cases that are made from the first."""
CHEAP_BYTES = 16 << 20
"""Inputs up to this size are looked at more often than once."""


@dataclass
class CaseMaker(ReferenceProgram):
    """Makes cases and keeps none."""

    precision: str | None = None
    """Precision of the oracle; None where the reference's own output is all there is."""
    rows: Rows | None = None
    """The rows of large cases that the oracle is run on; None for all."""
    unseeded: list[int] = field(default_factory=list)
    """Places of inputs that are the same whatever the seed."""
    tolerances: list[Tolerance | None] = field(default_factory=list)
    """What the outputs of the first case are held against."""
    varies_integers: bool = False
    """Whether integers and truth values that every element of an input says alike are others in later calls."""
    varies_numbers: bool = False
    """Whether numbers with a fraction that are no tensors are others in some of the later calls."""
    reorders_integers: bool = False
    """Whether integers that are the same for every seed stand in another order in later calls."""
    is_tame: bool = False
    """Whether no numbers are drawn below zero that the task draws from zero to one."""
    orders: Orders = field(default_factory=list)
    """What of its output may stand in any order."""
    spares_oracle: bool = False
    """Whether later cases have the reference's own output only: beside a candidate there is no more room."""

    def case_of(self, index: int, inputs: Parcel, usual: Usual | None = None) -> Case:
        """The case of given inputs; with `usual`, which is of the task's own, these are drawn otherwise."""
        if self.spares_oracle:
            return self.case_by_own(index, inputs, self.tolerances)
        own = self.call(inputs, flush=False, look=False).output
        if self.rows is not None:
            return self._by_some(index, (inputs, own), self._expected_of_rows(inputs, own, usual))
        exact = None if self.precision is None else self.run_oracle(inputs, self.precision)
        return self._compared(index, inputs, (own, exact), usual)

    def first_case(self, whole: tuple[Parcel, Parcel], looked_at: tuple[Parcel, Parcel, Parcel | None]) -> Case:
        """The first case from a call, and from what was looked at of it: inputs, output, and the exact output."""
        some, its, exact = looked_at
        self.orders = self._found_orders(some) if may_be_free(self.task.reference) else []
        if self.rows is None or exact is None:
            self.rows = None
            return self._compared(0, whole[0], (whole[1], exact))
        return self._by_some(0, whole, self._expected(some, its, exact))

    def _found_orders(self, inputs: Parcel) -> Orders:
        precision = self.precision or "float64"
        try:
            usual = leaves_of(self.run_oracle(inputs, precision))
            return find_orders(usual, lambda call: leaves_of(self.run_oracle(inputs, precision, {"turned": call})))
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return []

    def find_rows(self, inputs: Parcel, own: Parcel) -> tuple[Parcel, Parcel]:
        """Inputs and output of the call that says how far off a large one may be: some of its rows, if these do."""
        is_large = inputs.num_bytes + own.num_bytes > MAX_CACHED_BYTES
        self.rows = rows_for(inputs, own, self.seed("rows")) if is_large and not self.changed else None
        if self.rows is None:
            return inputs, own
        some, its = self.rows.of(inputs), self.rows.of(own)
        if have_same_bytes(self.call(some, flush=False, look=False).output, its):
            return some, its
        self.rows = None
        return inputs, own

    def _expected_of_rows(self, inputs: Parcel, own: Parcel, usual: Usual | None) -> Expected:
        if self.rows is None or self.precision is None:
            raise RuntimeError("no rows are known to be enough")
        some, its = self.rows.of(inputs), self.rows.of(own)
        if not have_same_bytes(self.call(some, flush=False, look=False).output, its):
            text = "the reference gives something else for some rows of an input than for all of them"
            raise Verdict("INVALID_REFERENCE", "task", "TOLERANCE_UNCALIBRATED", "task", text)
        return self._expected(some, its, self.run_oracle(some, self.precision), usual)

    def _by_some(self, index: int, whole: tuple[Parcel, Parcel], known: Expected) -> Case:
        inputs, own = whole
        return Case(index, inputs, by_own(own, known.tolerances, self.orders), inputs.num_bytes + own.num_bytes, known)

    def _compared(
        self, index: int, inputs: Parcel, outputs: tuple[Parcel, Parcel | None], usual: Usual | None = None
    ) -> Case:
        own, exact = outputs
        num_bytes = inputs.num_bytes + own.num_bytes + (0 if exact is None else exact.num_bytes)
        expected = replace(self._expected(inputs, own, exact, usual), inputs=inputs)
        # Asked later it would answer with the parameters that it has then.
        if expected.nudged and None in expected.tolerances and index != MOVED:
            expected = replace(expected, further=cache(partial(self._nudged_further, inputs, expected.own)))
        return Case(index, inputs, expected, num_bytes)

    def _expected(self, inputs: Parcel, own: Parcel, exact: Parcel | None, usual: Usual | None = None) -> Expected:
        nudged = self._nudged(inputs, own)
        how = {"usual": usual, "nudged": nudged, "tensor_float": self.settings.precision == "allow_tf32"}
        how["orders"] = self.orders
        return expect(own, exact, inputs.tensors, **how)

    def _nudged_further(self, inputs: Parcel, own: list[Leaf]) -> list[list[Leaf]]:
        how = {"units": FURTHER_UNITS, "is_fine": True}
        moves = [{"seed": self.seed("nudge further", number), **how} for number in range(FURTHER)]
        try:
            moved = [leaves_of(self.run_oracle(inputs, "float64", move)) for move in moves]
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return []
        return [leaves for leaves in moved if are_alike(leaves, own)]

    # What rounding of inputs would change, where that matters and is no great effort.
    def _nudged(self, inputs: Parcel, own: Parcel) -> list[Parcel]:
        leaves = leaves_of(own)
        can_be = self.precision == "float64" or (self.precision is None and not any(map(is_rounded, leaves)))
        nudges = nudges_for(leaves) if can_be and inputs.num_bytes <= CHEAP_BYTES else []
        moves = [{"seed": self.seed("nudge", direction), "units": units} for direction, units in nudges]
        try:
            return [self.run_oracle(inputs, "float64", move) for move in moves]
        except Verdict as found:
            if found.cause in LOST_CAUSES:
                raise
            return []

    def case_by_own(self, index: int, inputs: Parcel, tolerances: list[Tolerance | None]) -> Case:
        """A case that is held against what the reference itself gives."""
        own = self.call(inputs, flush=False, look=False).output
        return Case(index, inputs, by_own(own, tolerances, self.orders), inputs.num_bytes + own.num_bytes)

    # The first call is as the task says; whatever says the same in all of its elements is moved apart in the others.
    def how(self, purpose: int | str, dice: str | None = None, gates: str | None = None) -> dict:
        """How inputs for a purpose are made."""
        is_first = purpose == 0
        return {
            "seed": self.seed("inputs", purpose),
            "dice": dice,
            "vary": not is_first,
            "gates": gates,
            "vary_integers": self.varies_integers and not is_first,
            "jitter": [] if is_first else self.unseeded,
            "reorder": self.unseeded if self.reorders_integers and not is_first else [],
            "tame": self.is_tame,
            "scaled": not may_name_places(self.task.reference),
            # A kernel that is compiled for each number would be so in every timed call.
            "numbers": self.seed("numbers") if self.varies_numbers and _is_only_looked_at(purpose) else None,
        }


def _is_only_looked_at(purpose: int | str) -> bool:
    return purpose > 0 if isinstance(purpose, int) else purpose.startswith("drawn ")
