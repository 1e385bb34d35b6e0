"""What a program is called with."""

from __future__ import annotations

from .errors import FaultInInput


def arguments_of(value: object) -> tuple[list, dict]:
    """What `get_inputs` gave, as arguments: a list or tuple by position, a dictionary by name."""
    if isinstance(value, dict):
        return [], value
    if isinstance(value, (list, tuple)):
        return list(value), {}
    raise FaultInInput("REF_INVALID", "inputs must be a list, a tuple or a dictionary")
