"""Counts launches of Triton kernels that came about: a raw fact that tells a kernel from a path around it."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Final

from .altered_outputs import altered
from .errors import FaultInInput
from .triton_resources import resources_of

_MOST_KERNELS: Final = 64


class LaunchCounter:
    """Launches since the last look."""

    def __init__(self) -> None:
        self._count = 0
        self._kernels: dict[str, object] = {}
        self._last: list[object] = []
        self._failed: dict[int, Exception] = {}
        """By a kernel's function, what its last launch raised."""
        self.is_suppressed = False
        """Whether launches do nothing, which shows whether anything depends on them."""
        self.is_altered = False
        """Whether what they write is altered, which shows whether anything depends on that."""
        self._num_altered = 0

    def install(self) -> None:
        """Starts counting, on the GPU and under the interpreter; called before a program is loaded."""
        for module, kind, method in _LAUNCHERS:
            try:
                self._wrap(importlib.import_module(module), kind, method)
            except (ImportError, AttributeError):
                continue

    def take(self) -> int:
        """The count so far, which starts again at 0."""
        count, self._count = self._count, 0
        if self._kernels:
            self._last, self._kernels = list(self._kernels.values()), {}
        return count

    def require_altered(self) -> None:
        """Raises an error where nothing that was written could be altered: then it says nothing what came out."""
        count, self._num_altered = self._num_altered, 0
        if count == 0:
            raise FaultInInput("NO_OUTPUT", "nothing that a kernel wrote could be altered")

    def resources(self) -> list[dict]:
        """What is known of the kernels that were launched between the last two looks between which any was."""
        return [facts for facts in map(resources_of, self._last) if facts is not None]

    def _wrap(self, module: ModuleType, kind: str, method: str) -> None:
        launcher = getattr(module, kind)
        original = getattr(launcher, method)

        def launch(*arguments: object, **options: object) -> object:
            function = getattr(arguments[0], "fn", None)
            if self.is_suppressed:
                # Whoever takes another way when a kernel fails is to take it here as well.
                if id(function) in self._failed:
                    raise self._failed[id(function)]
                return None
            try:
                if self.is_altered:
                    self._num_altered += altered(original, arguments, options)
                    return None
                kernel = original(*arguments, **options)
            except Exception as error:
                self._failed[id(function)] = error
                raise
            self._failed.pop(id(function), None)
            self._count += 1
            known = getattr(kernel, "hash", None)
            if isinstance(known, str) and len(self._kernels) < _MOST_KERNELS:
                self._kernels[known] = kernel
            return kernel

        setattr(launcher, method, launch)


_LAUNCHERS = [
    ("triton.runtime.interpreter", "GridExecutor", "__call__"),
    ("triton.runtime.jit", "JITFunction", "run"),
]
