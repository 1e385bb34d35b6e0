"""Which calls of a task have their gradients compared, or why none has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cases import MAX_CACHED_BYTES
from .gradient_cases import GradientCase, gradient_case

if TYPE_CHECKING:
    from .reference import Reference


def gradient_cases_of(reference: Reference) -> list[GradientCase | str]:
    """The cases, with respect to the inputs that the task asks for; in place of one, or of all, why there is none."""
    return _why_none(reference) or _found(reference)


def _why_none(reference: Reference) -> list[GradientCase | str]:
    if reference.is_large or reference.state.num_bytes > MAX_CACHED_BYTES:
        return ["a call takes too much memory to ask for gradients as well"]
    if reference.is_stochastic:
        return ["the reference draws random numbers"]
    if reference.orders:
        return ["outputs may stand in any order"]
    return ["the reference writes into its inputs"] if reference.mutated_inputs else []


def _found(reference: Reference) -> list[GradientCase | str]:
    places = reference.gradient_places
    drawn = [case for case in map(reference.drawn_case, reference.distributions()[:1]) if case is not None]
    usual = [reference.case(0), *([] if drawn or reference.num_calls() == 1 else [reference.case(1)])]
    found = [gradient_case(reference, case, places, f"call {index}") for index, case in enumerate([*usual, *drawn])]
    if isinstance(found[0], GradientCase):
        found.append(gradient_case(reference, reference.unforeseen_case(0), places, "unforeseen", is_unforeseen=True))
    known = [item for item in found if not isinstance(item, str)]
    # What the reference cannot say on inputs as the task draws them, it cannot say.
    return known if isinstance(found[0], GradientCase) else found[:1]
