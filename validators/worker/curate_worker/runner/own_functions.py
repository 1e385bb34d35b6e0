"""
Whether the functions of this process are those that it began with, and clocks and comparisons of others, which many
judges of kernels call beside a candidate. Native code can change them unseen; a program that replaces them from Python
mostly does so to change what is told of it, and no honest one does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Final

import torch

_PACKAGE: Final = f"{__name__.partition('.')[0]}."
_REPLACED: Final = "a function of the process that it runs in"
_REPLACED_CLOCK: Final = "a clock or a comparison of its own"
_CLOCKS: Final = ("time", "perf_counter", "monotonic", "process_time", "thread_time")
_EVENTS: Final = ("record", "synchronize", "elapsed_time", "query", "wait")
_COMPARISONS: Final = ("allclose", "isclose", "equal")


class OwnFunctions:
    """The functions of this package as they are when it is made, before any program is loaded."""

    def __init__(self) -> None:
        self._known = [
            (space, name, item, getattr(item, "__code__", None))
            for space in _spaces()
            for name, item in list(space.items())
            if _is_code(item)
        ]
        self._clocks = [(space, name, getattr(space, name)) for space, name in _clocks_and_comparisons()]

    def replaced(self) -> list[str]:
        """What was replaced since, in words; empty where nothing was."""
        changed = (
            space.get(name) is not known or getattr(known, "__code__", None) is not code
            for space, name, known, code in self._known
        )
        are_others = (getattr(space, name, None) is not known for space, name, known in self._clocks)
        return [_REPLACED] * any(changed) + [_REPLACED_CLOCK] * any(are_others)


def _clocks_and_comparisons() -> Iterator[tuple[object, str]]:
    yield from ((time, name) for clock in _CLOCKS for name in (clock, f"{clock}_ns"))
    yield from ((torch.cuda.Event, name) for name in _EVENTS)
    yield from ((torch.cuda, name) for name in ("Event", "synchronize"))
    yield from ((space, name) for space in (torch, torch.Tensor) for name in _COMPARISONS)
    yield torch.testing, "assert_close"
    # Not imported for this: who has not imported it does not time by it.
    testing = sys.modules.get("triton.testing")
    yield from ((testing, name) for name in ("do_bench", "do_bench_cudagraph") if hasattr(testing, name))


def _spaces() -> Iterator[Mapping[str, object]]:
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE) and isinstance(module, ModuleType):
            space = vars(module)
            yield space
            kinds = [item for item in space.values() if isinstance(item, type) and item.__module__ == name]
            # A view of what the class holds, now and later.
            yield from (kind.__dict__ for kind in kinds)


def _is_code(item: object) -> bool:
    return isinstance(item, (FunctionType, type)) or type(item).__name__ == "builtin_function_or_method"
