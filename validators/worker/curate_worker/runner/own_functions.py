"""
Whether the functions of this process are those that it began with. Native code can change them unseen; a program that
replaces them from Python mostly does so to change what is told of it, and no honest one does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Final

_PACKAGE: Final = f"{__name__.partition('.')[0]}."
_REPLACED: Final = "a function of the process that it runs in"


class OwnFunctions:
    """The functions of this package as they are when it is made, before any program is loaded."""

    def __init__(self) -> None:
        self._known = [
            (space, name, item, getattr(item, "__code__", None))
            for space in _spaces()
            for name, item in list(space.items())
            if _is_code(item)
        ]

    def replaced(self) -> list[str]:
        """What was replaced since, in words; empty where nothing was."""
        changed = (
            space.get(name) is not known or getattr(known, "__code__", None) is not code
            for space, name, known, code in self._known
        )
        return [_REPLACED] if any(changed) else []


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
