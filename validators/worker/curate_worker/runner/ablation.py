"""
Calls of the functions of built extensions: counted, and spoiled when the judge asks for it. What is right all the same
did not come from them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import ModuleType

import torch
from torch.autograd.profiler import record_function

from .altered_outputs import have_same_numbers, tensors_in
from .poisoned_heap import poison_stack
from .profile import OWN

_GARBAGE = 0x7F


@dataclass
class ExtensionCalls:
    """Calls since the last look, and whether they are spoiled."""

    count: int = 0
    is_suppressed: bool = False
    is_recorded: bool = False
    """Whether a profiler is to tell their time from that of other functions."""
    _failed: dict[int, Exception] = field(default_factory=dict)
    """By function, what its last call raised."""

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
            if self.is_suppressed:
                # Whoever takes another way when it fails is to take it here as well.
                if id(function) in self._failed:
                    raise self._failed[id(function)]
                return self._spoiled(function, args, kwargs)
            try:
                with record_function(OWN) if self.is_recorded else nullcontext():
                    poison_stack()
                    result = function(*args, **kwargs)
            except Exception as error:
                self._failed[id(function)] = error
                raise
            self._failed.pop(id(function), None)
            self.count += 1
            return result

        call.__doc__ = function.__doc__
        return call

    # What is given addresses writes where nobody can see it, so it is not called at all.
    @staticmethod
    def _spoiled(function: Callable, args: tuple, kwargs: dict) -> object:
        given = list(tensors_in((args, tuple(kwargs.values()))))
        if not given:
            return None
        before = [item.clone() for item in given]
        result = function(*args, **kwargs)
        written = [item for item, old in zip(given, before, strict=True) if not have_same_numbers(item, old)]
        for item in [*written, *tensors_in(result)]:
            item.detach().view(-1).view(torch.uint8).fill_(_GARBAGE) if item.is_contiguous() else item.fill_(1)
        return result
