"""Counts launches of Triton kernels: a raw fact that tells a kernel from a path around it."""

from __future__ import annotations

import importlib
from types import ModuleType


class LaunchCounter:
    """Launches since the last look."""

    def __init__(self) -> None:
        self._count = 0
        self.is_suppressed = False
        """Whether launches do nothing, which shows whether anything depends on them."""

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
        return count

    def _wrap(self, module: ModuleType, kind: str, method: str) -> None:
        launcher = getattr(module, kind)
        original = getattr(launcher, method)

        def launch(*arguments: object, **options: object) -> object:
            self._count += 1
            return None if self.is_suppressed else original(*arguments, **options)

        setattr(launcher, method, launch)


_LAUNCHERS = [
    ("triton.runtime.interpreter", "GridExecutor", "__call__"),
    ("triton.runtime.jit", "JITFunction", "run"),
]
