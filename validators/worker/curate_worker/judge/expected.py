"""What the output of a call must be, and how far off it may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from ..tensors import DTYPES, TensorDescriptor
from ..values import Parcel
from .error_measure import measure_error
from .faults import Verdict
from .free_orders import Orders, in_order
from .leaves import Leaf, leaves_of, tells
from .nudged import profits, with_uncertainty
from .phases import phase
from .tolerance import (
    Tolerance,
    allowing_tensor_float,
    calibrate,
    is_rounded,
    with_faint_numbers,
)

_LEAST_FINITE, _WORSE = 0.5, 4.0
# Of indices; what few are left tells nothing of the others.
_MOST_DOUBTFUL = 0.9
_FEW_NUMBERS = 16


@dataclass(frozen=True)
class Expected:
    """What an output must be: the reference in its own dtype, in higher precision where that exists, and tolerances."""

    own: list[Leaf]
    exact: list[Leaf] | None
    tolerances: list[Tolerance | None]
    """One per leaf; None for leaves that are compared exactly."""
    nudged: list[list[Leaf]] = field(default_factory=list)
    """What the reference gives in higher precision for inputs moved by a rounding; empty where not looked at."""
    doubtful: list[torch.Tensor | None] = field(default_factory=list)
    """Per leaf which indices are not compared, since half of the digits do not tell them; empty for none."""
    inputs: Parcel | None = None
    """What it is the output for, where indices may be looked up in it."""
    orders: Orders = field(default_factory=list)
    """What may stand in any order."""
    further: Callable[[], list[list[Leaf]]] | None = None
    """More of `nudged`, found out when it is needed: where a few whole numbers are wrong. None where it cannot be."""


@dataclass(frozen=True)
class Usual:
    """What is remembered of what is expected on the task's own inputs, without the outputs themselves."""

    tolerances: list[Tolerance | None]
    finite_shares: list[float]
    """Per leaf: the share of its numbers that are finite; 1 where it is compared exactly."""

    @classmethod
    def of(cls, expected: Expected) -> Usual:
        """Of the expectation on a call that is as the task says."""
        shares = [_finite_share(leaf) if is_rounded(leaf) else 1.0 for leaf in expected.own]
        return cls(expected.tolerances, shares)


def expect(  # noqa: PLR0913
    own: Parcel,
    exact: Parcel | None,
    inputs: Sequence[TensorDescriptor] = (),
    *,
    usual: Usual | None = None,
    nudged: Sequence[Parcel] = (),
    tensor_float: bool = False,
    orders: Orders | None = None,
) -> Expected:
    """
    Prepares a comparison; `inputs` are the call's; `usual` is given where they are drawn otherwise than the task says;
    `nudged` are outputs for inputs moved by a rounding; `tensor_float` allows products in TensorFloat-32; `orders`
    says what may stand in any order. Raises a Verdict that blames the task where none is possible.
    """
    own_leaves, orders = leaves_of(own), orders or []
    exact_leaves = None if exact is None else in_order(leaves_of(exact), own_leaves, orders)
    dtypes = [DTYPES[descriptor.dtype] for descriptor in inputs]
    with phase("calibrate"):
        tolerances = [
            _calibrated(leaf, None if exact_leaves is None else exact_leaves[index], dtypes, tensor_float=tensor_float)
            for index, leaf in enumerate(own_leaves)
        ]
        if usual is None and exact_leaves is not None:
            triples = zip(tolerances, own_leaves, exact_leaves, strict=True)
            tolerances = [_with_faint_numbers(*triple) for triple in triples]
        if usual is not None:
            pairs = zip(own_leaves, tolerances, _like(own_leaves, usual), strict=True)
            tolerances = [_relaxed(*pair) for pair in pairs]
    moved = [leaves for leaves in map(leaves_of, nudged) if are_alike(leaves, own_leaves)]
    moved = [in_order(leaves, own_leaves, orders) for leaves in moved]
    if len(moved) == len(nudged) and moved and exact_leaves is not None:
        tolerances = [
            with_uncertainty(tolerance, exact_leaves[index], [leaves[index] for leaves in moved])
            if tolerance is not None and tolerance.widened is None and profits(own_leaves[index])
            else tolerance
            for index, tolerance in enumerate(tolerances)
        ]
    for leaf, tolerance in zip(own_leaves, tolerances, strict=True):
        if tolerance is not None and not math.isfinite(tolerance.atol):
            text = f"{leaf.place} of the reference holds numbers too large to tell an error by"
            raise Verdict("INVALID_REFERENCE", "task", "TOLERANCE_UNCALIBRATED", "task", text)
    return Expected(own_leaves, exact_leaves, tolerances, moved, orders=orders)


def are_alike(leaves: list[Leaf], own: list[Leaf]) -> bool:
    """Whether two outputs have the same places and shapes."""
    return [leaf.place for leaf in leaves] == [leaf.place for leaf in own] and all(
        mine.tensor().shape == theirs.tensor().shape for mine, theirs in zip(leaves, own, strict=True) if tells(theirs)
    )


def by_own(own: Parcel, tolerances: Sequence[Tolerance | None], orders: Orders) -> Expected:
    """
    What to expect where only the reference's own output is known, given the tolerances of another call and what may
    stand in any order.
    """
    leaves = leaves_of(own)
    known = tolerances if len(tolerances) == len(leaves) else [None] * len(leaves)
    return Expected(leaves, None, [None if item is None else item.around_own() for item in known], orders=orders)


def _calibrated(
    own: Leaf, exact: Leaf | None, inputs: Sequence[torch.dtype], *, tensor_float: bool
) -> Tolerance | None:
    if not is_rounded(own):
        return None
    tolerance = calibrate(own, exact, inputs)
    return allowing_tensor_float(tolerance, own) if tensor_float else tolerance


# Not where halves may have been widened, or TensorFloat-32 is allowed: there errors have another size.
def _with_faint_numbers(tolerance: Tolerance | None, own: Leaf, exact: Leaf) -> Tolerance | None:
    if (
        tolerance is None
        or tolerance.widened is not None
        or tolerance.reference_error is None
        or own.descriptor is None
    ):
        return tolerance
    return with_faint_numbers(tolerance, own.tensor(), exact.tensor())


def _like(leaves: list[Leaf], usual: Usual) -> list[Tolerance | None]:
    return usual.tolerances if len(usual.tolerances) == len(leaves) else [None] * len(leaves)


# What is lost in absolute terms on usual inputs may be lost on small ones: 2 sigmoid(2 x) - 1 is an honest tanh.
def _relaxed(own: Leaf, tolerance: Tolerance | None, usual: Tolerance | None) -> Tolerance | None:
    if tolerance is None:
        return None
    # Of a few numbers, such as losses, unusual inputs are what tells the wrong from the right.
    if usual is None or own.tensor().numel() < _FEW_NUMBERS:
        return tolerance.for_unusual_inputs()
    return tolerance.for_unusual_inputs().at_least(usual, measure_error(own.tensor(), own.tensor()).rms_of_truth)


def is_fit_to_judge(expected: Expected, usual: Usual) -> bool:
    """
    Whether something can be told by what is expected on unusual inputs: it is mostly finite, as usual, and the
    reference itself errs about as little as usual.
    """
    if len(expected.own) != len(usual.tolerances):
        return False
    if any(item is not None and float(item.to(torch.float32).mean()) > _MOST_DOUBTFUL for item in expected.doubtful):
        return False
    for leaf, share in zip(expected.own, usual.finite_shares, strict=True):
        if is_rounded(leaf) and _finite_share(leaf) < min(_LEAST_FINITE, share):
            return False
    return all(
        mine is None or theirs is None or mine.own_max_rmse <= _WORSE * theirs.for_unusual_inputs().max_rmse
        for mine, theirs in zip(expected.tolerances, usual.tolerances, strict=True)
    )


def are_as_finite(own: list[Leaf], usual: Usual) -> bool:
    """Whether every output that is all finite usually is so here."""
    pairs = zip(own, usual.finite_shares, strict=True)
    return all(share < 1.0 or not is_rounded(leaf) or _finite_share(leaf) == 1.0 for leaf, share in pairs)


def is_mostly_finite(expected: Expected) -> bool:
    """Whether half of every output with a fraction is finite."""
    return all(_finite_share(leaf) >= _LEAST_FINITE for leaf in expected.own if is_rounded(leaf))


def _finite_share(leaf: Leaf) -> float:
    tensor = leaf.tensor()
    # Eight bits are too few for PyTorch to ask, and counts need no second tensor of gigabytes.
    tensor = tensor.to(torch.float32) if tensor.itemsize == 1 else tensor
    return int(torch.isfinite(tensor).sum()) / tensor.numel() if tensor.numel() else 1.0
