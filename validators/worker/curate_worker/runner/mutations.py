"""
Small mistakes made on purpose in a reference's source, one at a time: each could be a kernel's mistake, so a task that
does not tell them from the reference judges nobody (DeMillo, Lipton and Sayward 1978, Hints on Test Data Selection).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_OPERATORS: Final = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
_COMPARISONS: Final = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_PAIRS: Final = (
    *(("sum", "mean"), ("max", "min"), ("amax", "amin"), ("argmax", "argmin"), ("maximum", "minimum")),
    *(("softmax", "log_softmax"), ("sin", "cos"), ("sqrt", "rsqrt"), ("tril", "triu"), ("floor", "ceil")),
    *(("var", "std"), ("any", "all"), ("logical_and", "logical_or"), ("exp", "exp2"), ("log", "log2")),
    *(("sigmoid", "tanh"), ("gelu", "relu"), ("silu", "relu"), ("cumsum", "cumprod"), ("add", "sub")),
)
_NAMES: Final = {**{second: first for first, second in reversed(_PAIRS)}, **dict(_PAIRS)}
_ACTIVATIONS: Final = {
    *("relu", "gelu", "silu", "sigmoid", "tanh", "softplus", "exp", "log", "sqrt", "rsqrt", "abs", "square", "clamp"),
    *("softmax", "log_softmax", "erf", "neg", "reciprocal", "elu", "leaky_relu", "mish", "hardtanh", "tril", "triu"),
}
_AXES: Final = ("dim", "axis")
_SMALL: Final = 1e-2
# What only makes inputs, or says how large they are, is no part of what is computed.
_NOT_COMPUTED: Final = {"get_inputs", "get_init_inputs", "__init__", "extra_repr", "reset_parameters"}
_FOR_SHAPES: Final = {"view", "reshape", "expand", "permute", "transpose", "size", "arange", "range", "unsqueeze"}


@dataclass(frozen=True)
class Mutation:
    """One mistake: where, what, and the whole source with it."""

    line: int
    text: str
    make: Callable[[], str]
    """The source; made only for those that are used."""


def mutations_of(source: str) -> list[Mutation]:
    """All mistakes that can be made in what a reference computes, in the order of its lines."""
    tree = ast.parse(source)
    found: list[Mutation] = []
    for function in _computing(tree):
        for node in _nodes_in(function):
            found += [_mutation(tree, node, text, change) for text, change in _changes(node)]
    return sorted(found, key=lambda mutation: mutation.line)


def _computing(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name not in _NOT_COMPUTED:
            yield node


# Functions within functions have their own turn.
def _nodes_in(function: ast.FunctionDef) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assert, ast.Raise)):
            continue
        if isinstance(node, ast.Call) and _called(node) in _FOR_SHAPES:
            waiting.append(node.func)
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


Change = tuple[str, Callable[[ast.AST], ast.AST]]


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp):
        yield from _of_operator(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "a minus is left out", lambda item: item.operand
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        yield "a comparison is turned round", _turned_round
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Slice):
        yield from _of_slice(node)
    elif isinstance(node, ast.Constant) and type(node.value) is float and node.value not in (0.0,):
        yield from _of_number(node.value)


def _of_operator(node: ast.BinOp) -> Iterator[Change]:
    name = type(node.op)
    if name in _OPERATORS:
        other = _OPERATORS[name]
        yield f"{name.__name__} becomes {other.__name__}", lambda item: _with(item, op=other())
    if name in (ast.Add, ast.Sub, ast.Mult, ast.Div):
        yield f"what {name.__name__} has on its right is left out", lambda item: item.left
    if name in (ast.Add, ast.Mult):
        yield f"what {name.__name__} has on its left is left out", lambda item: item.right


def _turned_round(node: ast.Compare) -> ast.AST:
    return _with(node, ops=[_COMPARISONS[type(node.ops[0])](), *node.ops[1:]])


def _of_call(node: ast.Call) -> Iterator[Change]:
    name = _called(node)
    if name in _NAMES:
        yield f"{name} becomes {_NAMES[name]}", lambda item: _renamed(item, _NAMES[_called(item)])
    if name in _ACTIVATIONS:
        yield f"{name} is left out", _without_call
    for place, word in enumerate(node.keywords):
        if word.arg in _AXES and _whole(word.value) is not None:
            yield f"{word.arg} is another one", lambda item, place=place: _other_axis(item, place)
        if word.arg in ("weight", "bias", "attn_mask", "mask"):
            yield f"{word.arg} is left out", lambda item, place=place: _without_keyword(item, place)


def _of_slice(node: ast.Slice) -> Iterator[Change]:
    for name in ("lower", "upper"):
        if getattr(node, name) is not None:
            yield f"the {name} end of a slice is off by one", lambda item, name=name: _off_by_one(item, name)


def _off_by_one(node: ast.Slice, name: str) -> ast.AST:
    return _with(node, **{name: ast.BinOp(getattr(node, name), ast.Sub(), ast.Constant(1))})


def _of_number(value: float) -> Iterator[Change]:
    if abs(value) < _SMALL:
        yield f"{value} becomes 0", lambda item: ast.Constant(0.0)
        yield f"{value} becomes {value * 10}", lambda item: ast.Constant(item.value * 10)
    else:
        yield f"{value} becomes {value * 1.5}", lambda item: ast.Constant(item.value * 1.5)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _whole(node: ast.AST) -> int | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
    return value if type(value) is int else None


def _renamed(node: ast.Call, name: str) -> ast.Call:
    function = node.func
    renamed = _with(function, attr=name) if isinstance(function, ast.Attribute) else _with(function, id=name)
    return _with(node, func=renamed)


# `torch.relu(x)` and `x.relu()` both leave x.
def _without_call(node: ast.Call) -> ast.AST:
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        return node.func.value
    return node.args[0] if node.args else node


def _is_module(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("torch", "F", "nn", "math", "np", "functional")


def _other_axis(node: ast.Call, place: int) -> ast.Call:
    axis = 0 if _whole(node.keywords[place].value) != 0 else -1
    words = list(node.keywords)
    words[place] = ast.keyword(words[place].arg, ast.Constant(axis))
    return _with(node, keywords=words)


def _without_keyword(node: ast.Call, place: int) -> ast.Call:
    words = list(node.keywords)
    words[place] = ast.keyword(words[place].arg, ast.Constant(None))
    return _with(node, keywords=words)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _mutation(tree: ast.Module, node: ast.AST, text: str, change: Callable[[ast.AST], ast.AST]) -> Mutation:
    line = getattr(node, "lineno", None) or _line_of(node)
    return Mutation(line, text, lambda: ast.unparse(ast.fix_missing_locations(_Replacing(node, change).visit(tree))))


def _line_of(node: ast.AST) -> int:
    return min((child.lineno for child in ast.walk(node) if hasattr(child, "lineno")), default=0)


# The tree itself stays as it is: what is above the node is copied.
class _Replacing:
    def __init__(self, node: ast.AST, change: Callable[[ast.AST], ast.AST]) -> None:
        self._node, self._change = node, change

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._node:
            return self._change(node)
        clone = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(clone, name, [self.visit(item) if isinstance(item, ast.AST) else item for item in value])
            elif isinstance(value, ast.AST):
                setattr(clone, name, self.visit(value))
        return clone
