"""
What a program puts in the place of a package that is not there: `triton = MagicMock()`, `triton.jit = plain`. The name
is no package then, so that nothing of a package is replaced. Files of Megatron-LM with kernels begin so.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

_MAKERS: Final = {
    "unittest.mock.MagicMock",
    "unittest.mock.Mock",
    "unittest.mock.NonCallableMagicMock",
    "types.SimpleNamespace",
    "types.ModuleType",
}
# Values that cannot give the name another meaning while they are worked out.
_INERT: Final = (ast.Name, ast.Attribute, ast.Constant, ast.Lambda)


def stores_in_stand_ins(tree: ast.Module, path_of: Callable[[ast.AST], str]) -> Iterator[ast.Assign]:
    """Assignments to attributes of stand-ins, directly after those that made them."""
    bound = _bound_names(tree)

    def is_made(value: ast.expr) -> bool:
        return isinstance(value, ast.Call) and path_of(value.func) in _MAKERS and _root(value.func) not in bound

    for node in ast.walk(tree):
        for block in (getattr(node, field, None) for field in ("body", "orelse", "finalbody")):
            if isinstance(block, list):
                yield from _stores_in(block, is_made)


def _stores_in(block: list[ast.stmt], is_made: Callable[[ast.expr], bool]) -> Iterator[ast.Assign]:
    stand_ins: set[str] = set()
    for node in block:
        if not isinstance(node, ast.Assign) or not (is_made(node.value) or isinstance(node.value, _INERT)):
            stand_ins = set()
            continue
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        stand_ins = stand_ins | names if is_made(node.value) else stand_ins - names
        if all(_is_attribute_of(target, stand_ins) for target in node.targets):
            yield node
        elif len(names) < len(node.targets):
            stand_ins = set()


# Of the stand-in itself: an attribute of its attribute may be anybody's.
def _is_attribute_of(target: ast.expr, stand_ins: set[str]) -> bool:
    return isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in stand_ins


def _root(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return _root(node.value) if isinstance(node, ast.Attribute) else None


# Names that a program gives a meaning of its own, or imports from two places.
def _bound_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        for name, origin in _imports_of(node):
            if origins.setdefault(name, origin) != origin:
                names.add(name)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


def _imports_of(node: ast.AST) -> list[tuple[str, str]]:
    if isinstance(node, ast.ImportFrom):
        return [(alias.asname or alias.name, f"{node.level}{node.module}.{alias.name}") for alias in node.names]
    return [(alias.asname or alias.name, alias.name) for alias in node.names] if isinstance(node, ast.Import) else []
