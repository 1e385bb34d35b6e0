"""The sizes that a reference names, and others in their place: what a kernel was written for, and what not."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from ..literals import parse_literal

_MAX_ATTEMPTS: Final = 5
_OPERATORS: Final[dict[type, Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def other_sizes(reference: str, axes: dict[str, str], seed: int) -> list[dict[str, str]]:
    """
    Axes of workloads that the task does not have, most different first: all sizes that the reference names and reads
    when it makes inputs, then all of them as round as they were, then one at a time. None is larger than it was, so
    that what has room for the task has room for these.
    """
    sizes = {name: size for name, size in _sizes(reference, axes).items() if size > 1}
    dice = Random(seed)
    drawn = {name: dice.randrange((size + 1) // 2, size) for name, size in sizes.items()}
    rounded = {name: _round(size, drawn[name]) for name, size in sizes.items()}
    attempts = [drawn, rounded, *({name: other} for name, other in drawn.items())]
    found = [{**axes, **{name: str(size) for name, size in attempt.items()}} for attempt in attempts if attempt]
    return [item for place, item in enumerate(found) if item not in found[:place]][:_MAX_ATTEMPTS]


# Three quarters of it can be divided by whatever a quarter of it can, such as a number of heads.
def _round(size: int, drawn: int) -> int:
    return size * 3 // 4 if size % 4 == 0 else size // 2 if size % 2 == 0 else drawn


def _sizes(reference: str, axes: dict[str, str]) -> dict[str, int]:
    try:
        tree = ast.parse(reference)
        named = dict(_whole_numbers(tree))
        named.update({name: parse_literal(text) for name, text in axes.items()})
        read = _names_read(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {name: value for name, value in named.items() if type(value) is int and name in read}


# As they are in the end: what is assigned twice has its last value.
def _whole_numbers(tree: ast.Module) -> Iterator[tuple[str, int | None]]:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _pairs(node.target, node.value)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _pairs(target, node.value)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, int | None]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, its)
    elif isinstance(target, ast.Name):
        yield target.id, _whole_number(value)


def _whole_number(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _whole_number(node.left), _whole_number(node.right)
        if left is None or right is None or (right == 0 and isinstance(node.op, ast.FloorDiv)):
            return None
        return _OPERATORS[type(node.op)](left, right)
    return None


# In `get_inputs`, and in whatever of the same file it names.
def _names_read(tree: ast.Module) -> set[str]:
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    read: set[str] = set()
    waiting = ["get_inputs"]
    while waiting:
        function = functions.pop(waiting.pop(), None)
        if function is not None:
            names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            waiting += names
            read |= names
    return read
