"""
What the gradients of a task must be: of the sum of its outputs, each multiplied by normal numbers, with respect to the
inputs that ask for it and to all parameters.

The reference says it in its own dtype and in higher precision, and tolerances follow from the difference, as for
outputs. Derivatives jump where functions have a kink: a rectifier's is 0 or 1 beside zero, whatever rounding made of
its input. What jumps where inputs are moved by some units of their last place, there and back, is not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch

from ..tensors import DTYPES, TensorDescriptor
from ..values import Parcel, pack
from .cases import Case
from .compare import compare
from .expected import Expected, Usual, expect
from .faults import Verdict
from .leaves import leaves_of
from .reference_program import ReferenceProgram
from .tolerance import is_plausible

_RETURNED: Final = "output['returned']"
_HALVES: Final = (torch.float16, torch.bfloat16)
# Units of the last place that inputs are moved by, and the share of its size that a number moves by at a kink. Rounded
# to 24 bits a smooth function would have to be 1000 times as sensitive as its input.
_UNITS, _UNITS_OF_HALVES = 8.0, 1.0
_JUMP, _JUMP_OF_HALVES = 2.0**-10, 2.0**-3
_DIRECTIONS: Final = 2
_MOST_UNCERTAIN: Final = 0.5
GONE: Final = ("REF_CRASH", "REF_TIMEOUT")
"""After these the reference's process has to be started anew."""


@dataclass(frozen=True)
class ExpectedGradient:
    """One gradient."""

    name: str
    """`input 0` or `parameter weight`."""
    expected: Expected
    certain: torch.Tensor
    """Which of its numbers are compared."""
    exact: torch.Tensor

    @property
    def is_zero(self) -> bool:
        """Whether it says nothing that a missing one does not say."""
        return not bool(torch.where(self.certain, self.exact, 0).any())

    def require(self, given: torch.Tensor) -> None:
        """Raises a Verdict where a gradient is not as it must be."""
        # Parameters that a program keeps in another dtype have gradients of that dtype.
        given = given.to(self.expected.own[0].tensor().dtype)
        if given.shape == self.certain.shape:
            given = torch.where(self.certain, given, self.exact.to(given.dtype))
        compare(pack(given), self.expected)


@dataclass(frozen=True)
class GradientCase:
    """A call whose gradients are asked for."""

    case: Case
    parcels: list[Parcel]
    """Its inputs, and what its outputs are multiplied by."""
    places: list[int]
    """Inputs that gradients are wanted of."""
    attached: list[str]
    """Outputs that the reference's gradients are of."""
    gradients: list[ExpectedGradient]
    is_unforeseen: bool
    """Whether its numbers are nobody's to note."""

    @property
    def parameters(self) -> list[str]:
        """Parameters that gradients are wanted of."""
        kind = "parameter "
        return [item.name.removeprefix(kind) for item in self.gradients if item.name.startswith(kind)]


def gradient_case(
    reference: ReferenceProgram, case: Case, places: list[int], purpose: str, *, is_unforeseen: bool = False
) -> GradientCase | str:
    """The gradients of a call, or why there are none to judge by. Raises a Verdict where the process is gone."""
    try:
        parcels = [case.inputs, _weights_for(case, reference.seed("gradients", purpose))]
        gradients, attached = _gradients_of(reference, parcels, places, purpose)
    except Verdict as found:
        if found.cause in GONE:
            raise
        return found.log.partition("\n")[0]
    return GradientCase(case, parcels, places, attached, gradients, is_unforeseen)


# Raises a Verdict, whose log says why there are none.
def _gradients_of(
    reference: ReferenceProgram, parcels: list[Parcel], places: list[int], purpose: str
) -> tuple[list[ExpectedGradient], list[str]]:
    own = reference.gradients(parcels, places)
    if not own.attached:
        raise _none("nothing that the reference returns has a gradient")
    if not own.gradients:
        raise _none("no gradient of the reference reaches an input or a parameter")
    dtypes = [DTYPES[descriptor.dtype] for descriptor in parcels[0].tensors]
    units = _UNITS_OF_HALVES if any(dtype in _HALVES for dtype in dtypes) else _UNITS
    how = {"precision": "float64", "nudge": None}
    exact = reference.gradients(parcels, places, how).gradients
    seeds = [reference.seed("nudged gradients", purpose, direction) for direction in range(_DIRECTIONS)]
    nudges = [{"seed": seed, "units": sign * units} for seed in seeds for sign in (1, -1)]
    nudged = [reference.gradients(parcels, places, how | {"nudge": nudge}).gradients for nudge in nudges]
    gradients = []
    for name, mine in own.gradients.items():
        if not all(name in known and known[name].shape == mine.shape for known in (exact, *nudged)):
            continue
        if not bool(torch.isfinite(mine).all() & torch.isfinite(exact[name]).all()):
            raise _none(f"the gradient of {name} is not finite in the reference")
        values = Values(mine, exact[name], [known[name] for known in nudged])
        tensor_float = reference.settings.precision == "allow_tf32"
        found = expected_gradient(name, values, parcels[0].tensors, tensor_float=tensor_float)
        gradients += [] if found is None else [found]
    if not gradients:
        raise _none("no gradient of the reference is known well enough to tell right from wrong")
    return gradients, own.attached


def _none(text: str) -> Verdict:
    return Verdict("INVALID_REFERENCE", "task", "REF_INVALID", "task", text)


@dataclass(frozen=True)
class Values:
    """What a reference says of one gradient."""

    own: torch.Tensor
    exact: torch.Tensor
    nudged: list[torch.Tensor]
    """In higher precision, for inputs moved a little."""


def expected_gradient(
    name: str, values: Values, inputs: Sequence[TensorDescriptor] = (), *, tensor_float: bool = False
) -> ExpectedGradient | None:
    """
    What a gradient must be, given what the call's inputs are; None where it is all rounding, such as that of a bias
    that a mean takes off again.
    """
    own, exact = values.own, values.exact
    size = float(exact.square().mean().sqrt()) if exact.numel() else 0.0
    moved = [(other - exact).abs() for other in values.nudged]
    limit = (_JUMP_OF_HALVES if own.dtype in _HALVES else _JUMP) * (exact.abs() + size)
    certain = torch.stack([item <= limit for item in moved]).all(0)
    if exact.numel() == 0 or float((~certain).to(torch.float32).mean()) > _MOST_UNCERTAIN:
        return None
    parcels = [pack(torch.where(certain, item, exact.to(item.dtype))) for item in (own, exact)]
    if not is_plausible(*(leaves_of(parcel)[0] for parcel in parcels)):
        return None
    # As on unusual inputs: formulas for derivatives that lose small numbers are honest as well.
    expected = expect(*parcels, inputs, usual=Usual([], []), tensor_float=tensor_float)
    spread = max(float(torch.where(certain, item, 0).square().mean().sqrt()) for item in moved)
    share = spread / size if size > 0 else 0.0
    tolerances = [
        None if item is None else replace(item, atol=max(item.atol, spread), max_rmse=max(item.max_rmse, share))
        for item in expected.tolerances
    ]
    return ExpectedGradient(name, replace(expected, tolerances=tolerances), certain, exact)


def _weights_for(case: Case, seed: int) -> Parcel:
    dice = torch.Generator().manual_seed(seed)
    weights = {}
    for leaf in case.expected.own:
        if leaf.descriptor is None or leaf.is_state:
            continue
        dtype = DTYPES[leaf.descriptor.dtype]
        if dtype.is_floating_point and dtype.itemsize > 1:
            place = leaf.place.replace(_RETURNED, "output", 1)
            weights[place] = torch.randn(leaf.descriptor.shape, generator=dice).to(dtype)
    return pack(weights)
