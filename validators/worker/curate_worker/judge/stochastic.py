"""
Judges operators that draw random numbers, such as dropout: seeds mean something else to every program, so what comes
out is compared as a distribution. Draws of reference and candidate on the same input, from different seeds, are summed
up in some twenty numbers each (`draw_statistics.py`), and each number is compared by rank tests (`rank_test.py`).

An honest candidate is refused once in a million: `ERROR_RATE`, shared out among all tests of a workload (Bonferroni).
With 64 draws of either side, ranks that do not overlap give p = 1e-22, with 32 draws 6e-12. Where no draw of the
reference comes twice, not more than an eighth of the candidate's may. Outputs that the reference repeats are compared
as those of any other operator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..digests import digest_of_numbers
from ..values import Parcel
from .compare import compare_leaf, compare_structure
from .draw_statistics import DrawStatistics, columns, grain_of
from .expected import Expected
from .faults import Verdict
from .leaves import Leaf, leaves_of, tells
from .rank_test import p_value

ERROR_RATE: Final = 1e-6
NUM_INPUTS: Final = 3
"""On how many inputs a workload is judged."""
_DRAWS, _DRAWS_OF_LARGE, _KNOWN = 64, 32, 24
_LARGE_BYTES: Final = 4 << 20
# Of a few choices there is less to see in one draw.
_DRAWS_OF_CHOICES, _KNOWN_OF_CHOICES = 192, 96
_FEW_CHOICES: Final = 1 << 14
_DISTINCT: Final = 7 / 8

Draw = Callable[[int], Parcel]
"""Gives what a program makes of one input from the seed of a number."""
Table = list[dict[str, np.ndarray]]
"""Per leaf, statistics of all draws by name; empty for leaves that the reference repeats."""


@dataclass(frozen=True)
class ReferenceDraws:
    """What is known of the distribution that a reference draws from, for one input."""

    expected: Expected
    statistics: list[DrawStatistics | None]
    """Per leaf; None for those that the reference repeats."""
    table: Table
    count: int
    num_distinct: list[int]
    """Per leaf, how many of the draws differ from all others."""


@dataclass(frozen=True)
class DrawsFinding:
    """What comparing two sets of draws showed."""

    num_draws: int
    num_tests: int
    least_p: float

    def text(self, *, is_foreseen: bool) -> str:
        """In words; nobody gets the numbers of inputs again that nobody could foresee."""
        least = f"least p {self.least_p:.2g}" if is_foreseen else "on inputs that nobody could foresee"
        return f"{self.num_draws} draws, {self.num_tests} tests, {least}"


def draws_of_reference(draw: Draw, expected: Expected, num_bytes: int, *, share: int = 1) -> ReferenceDraws:
    """Draws as often as an output of some bytes allows, or that often divided by `share`."""
    count, num_known = (_DRAWS_OF_LARGE if num_bytes > _LARGE_BYTES else _DRAWS), _KNOWN
    if are_few_choices(expected.own) and num_bytes <= _LARGE_BYTES:
        count, num_known = _DRAWS_OF_CHOICES, _KNOWN_OF_CHOICES
    count = max(_DRAWS_OF_LARGE, count // share)
    places = [index for index, leaf in enumerate(expected.own) if tells(leaf) and leaf.tensor().numel()]
    known = {index: DrawStatistics(expected.own[index].tensor().cpu()) for index in places}
    for number in range(num_known):
        leaves = leaves_of(draw(number))
        for index, statistics in known.items():
            statistics.know(leaves[index].tensor().cpu())
    differing = {index: statistics for index, statistics in known.items() if statistics.prepare()}
    prepared = [differing.get(index) for index in range(len(expected.own))]
    table, num_distinct = _table(lambda number: leaves_of(draw(num_known + number)), prepared, count)
    return ReferenceDraws(expected, prepared, table, count, num_distinct)


def are_few_choices(own: list[Leaf]) -> bool:
    """Whether an output is some whole numbers, as samplers give them."""
    tensors = [leaf.tensor() for leaf in own if tells(leaf)]
    return all(not item.is_floating_point() and not item.is_complex() for item in tensors) and (
        0 < sum(item.numel() for item in tensors) <= _FEW_CHOICES
    )


def compare_draws(leaves_at: Callable[[int], list[Leaf]], draws: ReferenceDraws) -> DrawsFinding:
    """
    Compares a candidate's draws on an input, of which `leaves_at` gives one, with the reference's. Raises a Verdict
    where they differ.
    """

    def leaves_like_those(number: int) -> list[Leaf]:
        leaves = leaves_at(number)
        compare_structure(leaves, draws.expected.own)
        for index, leaf in enumerate(leaves):
            if draws.statistics[index] is None:
                compare_leaf(leaf, draws.expected, index)
        return leaves

    mine, num_distinct = _table(leaves_like_those, draws.statistics, draws.count)
    _require_own_draws(num_distinct, draws)
    found = [
        (p_value(theirs[name], its[name], grain_of(draws.statistics[index])), index, name)
        for index, (theirs, its) in enumerate(zip(draws.table, mine, strict=True))
        for name in theirs
    ]
    p, index, name = min(found)
    if p * len(found) * NUM_INPUTS < ERROR_RATE:
        text = (
            f"{draws.expected.own[index].place} is drawn from another distribution: in the median of {draws.count}"
            f" draws {name} is {np.median(mine[index][name]):.6g}, the reference's is"
            f" {np.median(draws.table[index][name]):.6g} (p {p:.1g} in rank tests)"
        )
        raise Verdict("INCORRECT_NUMERICAL", "compare", "WRONG_DISTRIBUTION", "candidate", text)
    return DrawsFinding(draws.count, len(found), p)


def _require_own_draws(num_distinct: list[int], draws: ReferenceDraws) -> None:
    pairs = zip(num_distinct, draws.num_distinct, draws.expected.own, strict=True)
    for mine, theirs, leaf in pairs:
        if theirs > draws.count and mine <= draws.count * _DISTINCT:
            text = f"{leaf.place} comes again: {mine} of {draws.count + 1} draws differ, all of the reference's do"
            raise Verdict("INCORRECT_NUMERICAL", "compare", "WRONG_DISTRIBUTION", "candidate", text)


def _table(
    leaves_at: Callable[[int], list[Leaf]], statistics: list[DrawStatistics | None], count: int
) -> tuple[Table, list[int]]:
    rows: list[list[dict[str, float]]] = [[] for _ in statistics]
    seen: list[set[str]] = [set() for _ in statistics]
    before: list[Leaf] | None = None
    for number in range(count + 1):
        now = leaves_at(number)
        for index, looked_at in enumerate(statistics):
            if looked_at is None:
                continue
            # A program that gives one draw again and again: all there is to say of it was said.
            if now is before and rows[index]:
                rows[index].append(rows[index][-1])
                continue
            draw = now[index].tensor().cpu()
            seen[index].add(digest_of_numbers(draw))
            if before is not None:
                rows[index].append(looked_at.of(draw, before[index].tensor().cpu()))
        before = now
    return [columns(row) if row else {} for row in rows], [len(digests) for digests in seen]
