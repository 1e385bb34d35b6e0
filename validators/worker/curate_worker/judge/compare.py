"""Lays a candidate's output beside the reference's: structure, shapes and dtypes, then values."""

from __future__ import annotations

import torch

from ..values import Parcel
from .compare_values import Errors, judge_values
from .expected import Expected
from .faults import Verdict
from .free_orders import in_order
from .leaves import Leaf, leaves_of
from .log_text import of_unforeseen_inputs
from .phases import phase


def compare(output: Parcel, expected: Expected) -> Errors:
    """Raises a Verdict that says what is wrong, or gives the errors of an output that is right."""
    leaves = leaves_of(output)
    compare_structure(leaves, expected.own)
    with phase("compare"):
        leaves = in_order(leaves, expected.own, expected.orders)
        errors = [compare_leaf(leaf, expected, index) for index, leaf in enumerate(leaves)]
    return Errors(
        _largest([error.max_absolute for error in errors]),
        _largest([error.max_relative for error in errors]),
        _largest([error.rmse for error in errors]),
    )


def compare_unforeseen(output: Parcel, expected: Expected) -> Errors:
    """
    The same on inputs that nobody gets again. A row is the same whoever makes it again, so none of their numbers is
    noted.
    """
    try:
        return compare(output, expected)
    except Verdict as found:
        found.log = of_unforeseen_inputs(found.log)
        raise


def is_right(output: Parcel, expected: Expected) -> bool:
    """Whether an output would pass: without what is wrong where."""
    leaves = leaves_of(output)
    try:
        compare_structure(leaves, expected.own)
        with phase("compare"):
            leaves = in_order(leaves, expected.own, expected.orders)
            for index, leaf in enumerate(leaves):
                compare_leaf(leaf, expected, index, hasty=True)
    except Verdict:
        return False
    return True


def is_accepted(values: torch.Tensor, expected: Expected, index: int) -> bool:
    """Whether values, of the right shape already, would pass for one leaf of an output: without what is wrong where."""
    return judge_values(values, expected, index, hasty=True).problem is None


def compare_structure(leaves: list[Leaf], own: list[Leaf]) -> None:
    """Raises a Verdict for other places, shapes, dtypes or devices than those of `own`."""
    if [leaf.place for leaf in leaves] != [leaf.place for leaf in own]:
        raise _wrong("INCORRECT_SHAPE", "WRONG_STRUCTURE", f"returned {_outline(leaves)}, expected {_outline(own)}")
    for leaf, wanted in zip(leaves, own, strict=True):
        if (leaf.descriptor is None) != (wanted.descriptor is None):
            raise _wrong(
                "INCORRECT_SHAPE", "WRONG_STRUCTURE", f"{leaf.place} is {_kind(leaf)}, expected {_kind(wanted)}"
            )
        if leaf.descriptor is None or wanted.descriptor is None:
            continue
        given, asked = leaf.descriptor, wanted.descriptor
        if given.is_subclass:
            text = f"{leaf.place} is an object of its own class, which can compute when it is looked at"
            raise Verdict("REWARD_HACK", "integrity", "HACK_LAZY", "candidate", text)
        if given.device != asked.device:
            raise _wrong(
                "INCORRECT_SHAPE", "WRONG_DEVICE", f"{leaf.place} is on {given.device}, expected {asked.device}"
            )
        if given.shape != asked.shape:
            text = f"{leaf.place} has shape {list(given.shape)}, expected {list(asked.shape)}"
            raise _wrong("INCORRECT_SHAPE", "WRONG_SHAPE", text)
        if given.dtype != asked.dtype:
            raise _wrong("INCORRECT_DTYPE", "WRONG_DTYPE", f"{leaf.place} is {given.dtype}, expected {asked.dtype}")


def compare_leaf(leaf: Leaf, expected: Expected, index: int, *, hasty: bool = False) -> Errors:
    """
    The same for the values of one leaf, whose structure was compared; a `hasty` one looks no further than at the first
    piece in which anything is wrong.
    """
    if leaf.descriptor is None and not (leaf.is_number() and expected.own[index].is_number()):
        wanted = expected.own[index].plain
        if leaf.plain != wanted or type(leaf.plain) is not type(wanted):
            raise _wrong("INCORRECT_NUMERICAL", "WRONG_VALUE", f"{leaf.place} is {leaf.plain!r}, expected {wanted!r}")
        return Errors(None, None)
    found = judge_values(leaf.tensor(), expected, index, hasty=hasty)
    if found.problem is not None:
        raise _wrong("INCORRECT_NUMERICAL", found.cause, f"{leaf.place} {found.problem}")
    return found.errors


def _largest(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _wrong(status: str, cause: str, text: str) -> Verdict:
    return Verdict(status, "compare", cause, "candidate", text)


def _outline(leaves: list[Leaf]) -> str:
    return ", ".join(f"{leaf.place}: {_kind(leaf)}" for leaf in leaves[:16])


def _kind(leaf: Leaf) -> str:
    return "a tensor" if leaf.descriptor is not None else type(leaf.plain).__name__
