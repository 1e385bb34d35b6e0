"""Chooses the precision of the oracle: the highest one in which the reference still computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..values import Parcel
from .faults import Verdict
from .leaves import leaves_of
from .tolerance import is_plausible, is_rounded

_PRECISIONS: Final = ("float64", "float32")


def choose_precision(own: Parcel, run_oracle: Callable[[str], Parcel]) -> tuple[str, Parcel] | None:
    """
    The precision, and what the reference gives in it; None where there is nothing to round or the reference works in
    its own dtype only.
    """
    leaves = leaves_of(own)
    rounded = [index for index, leaf in enumerate(leaves) if is_rounded(leaf)]
    for precision in _PRECISIONS if rounded else ():
        try:
            exact = run_oracle(precision)
            truths = leaves_of(exact)
        except Verdict as found:
            # Some references assert their dtype; that is no fault, but a lost process is.
            if found.cause != "REF_INVALID":
                raise
            continue
        same_places = [leaf.place for leaf in truths] == [leaf.place for leaf in leaves]
        if same_places and all(is_plausible(leaves[index], truths[index]) for index in rounded):
            return precision, exact
    return None
