"""What a reference writes into although it does not return it: results as well, of every program for its task."""

from __future__ import annotations

from typing import Final, TypedDict

STATE: Final = "state after the call"
"""Where it is found in a result."""


class Effects(TypedDict, total=False):
    """As messages hold it; empty where there is nothing."""

    inputs: list[int]
    """Places of inputs."""
    state: dict[str, str]
    """Parameters and buffers: the reference's name to the program's own."""


def effects_of(inputs: list[int], state: dict[str, str]) -> Effects:
    """Effects, empty where neither inputs nor state are written."""
    return {"inputs": inputs, "state": state} if inputs or state else {}
