"""
Distributions that inputs are drawn from besides the task's own (`runner/dice.py` draws them). A kernel that is right on
standard normal numbers alone is not right: what it leaves out may cancel there.
"""

from __future__ import annotations

import re
from typing import Final

DISTRIBUTIONS: Final = {
    "by-row": "rows of sizes from 1/8 to 8, off centre, uniform ones below zero too; a quarter of integers at an end",
    "peaked": "in each row one number that matters, in the last rows at their ends, one below zero; equal integers",
    "heavy-tailed": "cubes of normal numbers, fourth powers of uniform ones",
    "extreme": "rows next to nothing, and in some rows of the first tensor numbers whose exponentials overflow",
    "large": "8 times as large",
    "small": "1024 times as small, so that an epsilon counts",
    "equal": "all numbers the same",
    "wide": "4096 times as large, where numbers are of bfloat16 and products of them too large for float16",
}
_CHOOSES: Final = re.compile(
    r"\b(topk|argmax|argmin|sort|argsort|kthvalue|median|mode|multinomial|unique|searchsorted|bucketize|nonzero)\("
)
# What a task makes of coordinates, which are uniform numbers times a size and must not lie below zero.
_PLACES: Final = re.compile(
    r"\b(floor|ceil|round|trunc|frac|long|int|int32|int64|grid_sample|interpolate|gather|index_select|one_hot|histc"
    r"|bucketize|searchsorted|meshgrid|fmod|remainder|box|boxes|coords|coordinates|points)\b"
)
_BY_MODE: Final = {
    "screen": ("by-row",),
    "standard": ("by-row", "peaked", "small", "heavy-tailed", "extreme", "wide"),
    "certify": tuple(DISTRIBUTIONS),
}


def distributions_of(mode: str) -> tuple[str, ...]:
    """What inputs are drawn from in a mode, most telling first."""
    return _BY_MODE[mode]


def gate_draws_of(mode: str) -> tuple[str, ...]:
    """Sizes that scales and other numbers which say the same everywhere are drawn in, most telling first."""
    return ("faint",) if mode == "screen" else ("faint", "ample", "absent")


def is_of_use(name: str, reference: str, *, is_exact: bool, is_wide: bool = False) -> bool:
    """
    Whether inputs drawn so tell right from wrong. A choice among numbers, within the reference or because something is
    compared exactly, follows in the extreme from how a program rounds: chances of what is next to nothing are all one.
    Numbers of other dtypes than bfloat16 (`is_wide`) have no range to spare, or digits that float16 has not.
    """
    if name == "wide":
        return is_wide
    return name != "extreme" or not (is_exact or _CHOOSES.search(reference))


def may_name_places(reference: str) -> bool:
    """Whether numbers that a reference is given may be places, which there are none of below zero."""
    return _PLACES.search(reference) is not None


# "by-row 2" is drawn as "by-row" is, from another seed.
def dice_of(name: str) -> str:
    """The dice of a distribution."""
    return name.partition(" ")[0]
