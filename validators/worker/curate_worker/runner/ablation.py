"""
Calls of the functions of built extensions: counted, and spoiled when the judge asks for it. What is right all the same
did not come from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from types import ModuleType

import torch
from torch.autograd.profiler import record_function

from .profile import OWN

_GARBAGE = 0x7F


@dataclass
class ExtensionCalls:
    """Calls since the last look, and whether they are spoiled."""

    count: int = 0
    is_suppressed: bool = False
    is_recorded: bool = False
    """Whether a profiler is to tell their time from that of other functions."""

    def take(self) -> int:
        """The count so far, which starts again at 0."""
        count, self.count = self.count, 0
        return count

    def watch(self, module: ModuleType) -> ModuleType:
        """Puts itself in front of all functions of a module."""
        for name, item in list(vars(module).items()):
            if callable(item) and not isinstance(item, type) and not name.startswith("__"):
                setattr(module, name, self._watched(item))
        return module

    def _watched(self, function: Callable) -> Callable:
        def call(*args: object, **kwargs: object) -> object:
            self.count += 1
            if self.is_suppressed:
                return self._spoiled(function, args, kwargs)
            with record_function(OWN) if self.is_recorded else nullcontext():
                return function(*args, **kwargs)

        call.__doc__ = function.__doc__
        return call

    # What is given addresses writes where nobody can see it, so it is not called at all.
    @staticmethod
    def _spoiled(function: Callable, args: tuple, kwargs: dict) -> object:
        given = list(_tensors((args, tuple(kwargs.values()))))
        if not given:
            return None
        before = [item.clone() for item in given]
        result = function(*args, **kwargs)
        written = [item for item, old in zip(given, before, strict=True) if not _same(item, old)]
        for item in [*written, *_tensors(result)]:
            item.detach().view(-1).view(torch.uint8).fill_(_GARBAGE) if item.is_contiguous() else item.fill_(1)
        return result


def _tensors(value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return bool(((first == second) | ((first != first) & (second != second))).all())  # noqa: PLR0124
