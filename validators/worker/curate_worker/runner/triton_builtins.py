"""
Triton's interpreter looks through all of Triton's language for operators, again for every function that a kernel calls:
a third of the time of a kernel that reduces. Which of the names are operators is known from the first look.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import ModuleType

_PARAMETERS = ["pkg", "builder", "scope"]


def remember_builtins(interpreter: ModuleType, language: ModuleType) -> None:
    """Has it look only once; called before anything is launched. Does nothing where another version looks otherwise."""
    look = getattr(interpreter, "_patch_builtin", None)
    if look is None or list(inspect.signature(look).parameters) != _PARAMETERS:
        return
    known = {id(place): _look_through(place, language) for place in _places(language)}

    def look_once(pkg: object, builder: object, scope: object) -> None:
        seen = known.get(id(pkg))
        if seen is None:
            look(pkg, builder, scope)
            return
        # A program may add operators to the language.
        for name in (*seen.operators, *(vars(pkg).keys() - seen.names)):
            member = getattr(pkg, name)
            if language.core.is_builtin(member):
                interpreter._patch_attr(pkg, name, member, builder, scope)

    interpreter._patch_builtin = look_once


@dataclass(frozen=True)
class _Seen:
    """A module or class of the language before anything was replaced in it."""

    place: object
    """Kept, so that no other is known by its id."""
    names: frozenset[str]
    operators: list[str]


def _look_through(place: object, language: ModuleType) -> _Seen:
    operators = [name for name, member in inspect.getmembers(place) if language.core.is_builtin(member)]
    return _Seen(place, frozenset(vars(place)), operators)


def _places(language: ModuleType) -> list[object]:
    core = language.core
    found = [language, core, language.tensor, getattr(language, "math", None)]
    return [place for place in [*found, getattr(core, "tensor_descriptor_base", None)] if place is not None]
