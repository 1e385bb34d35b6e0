"""Reads a graph of ATen operators as terms in which no size of a tensor stands."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Final

import torch
from torch.fx import Node
from torch.utils._pytree import tree_leaves

from .graph_text import Terms, Value, text_of

_DIMENSIONS: Final = {"dim", "dims", "dim0", "dim1", "start_dim", "end_dim"}
_SIZES: Final = {
    *("size", "shape", "sizes", "split_size", "split_sizes", "normalized_shape", "output_size", "start", "end"),
    *("length", "storage_offset", "N", "C", "HxW", "input_sizes", "self_size"),
}
_ABOUT_MEMORY: Final = {"memory_format", "layout", "device", "pin_memory", "non_blocking"}
_CHANGES_SHAPE: Final = {"view", "_unsafe_view", "_reshape_alias", "expand", "slice", "_to_copy", "squeeze"}
_SAME_AS: Final = {"_unsafe_view": "view", "_reshape_alias": "view", "squeeze": "view"}
# Below it, a number is more often a number than a size.
_LEAST_SIZE: Final = 8
_ANY: Final = "?"
_NO_DEFAULT: Final = object()


def text_of_graph(nodes: list[Node]) -> str:
    """The canonical text of a traced graph."""
    terms, sizes = Terms(), _sizes_in(nodes)
    made: dict[Node, Value] = {}
    for node in nodes:
        if node.op == "output":
            return text_of([_value(item, made, sizes) for item in tree_leaves(node.args[0])])
        made[node] = _term(node, made, terms, sizes)
    return text_of([])


def _term(node: Node, made: dict[Node, Value], terms: Terms, sizes: set[str]) -> Value:
    if node.op != "call_function":
        return terms.leaf(_kind(node.meta.get("val")))
    source = next((item for item in tree_leaves(node.args) if isinstance(item, Node)), None)
    if node.target is operator.getitem:
        return terms.make("getitem", [("self", made[source]), ("index", str(node.args[1]))])
    name = node.target.overloadpacket.__name__
    name = name if name == "_to_copy" else name.removesuffix("_copy").rstrip("_")
    if source is not None and name in _CHANGES_SHAPE and _is_same(source, node):
        return made[source]
    if name in _SAME_AS:
        return terms.make("view", [("self", made[source]), ("size", _ANY)])
    declared = node.target._schema.arguments
    given = {argument.name: value for argument, value in zip(declared, node.args, strict=False)} | node.kwargs
    shape = _shape(source)
    said: list[tuple[str, Value]] = []
    for argument in declared:
        default = argument.default_value if argument.has_default_value() else _NO_DEFAULT
        value = given.get(argument.name, default)
        if argument.name in _ABOUT_MEMORY or value is _NO_DEFAULT:
            continue
        if argument.name in _DIMENSIONS:
            said.append((argument.name, _from_the_end(value, len(shape) + (name == "unsqueeze"))))
        elif value != default and not (argument.name == "end" and _is_the_end(value, given.get("dim", 0), shape)):
            said.append((_name_of(argument.name), _argument(argument.name, value, made, sizes)))
    return terms.make(name, said)


# Some operators have other names for what all others call `self`.
def _name_of(argument: str) -> str:
    return "self" if argument in ("input", "tensors") else argument


def _argument(name: str, value: object, made: dict[Node, Value], sizes: set[str]) -> Value:
    return _ANY if name in _SIZES and value != 0 else _value(value, made, sizes)


# Counted from the last dimension, so that leading ones more or less make no difference.
def _from_the_end(value: object, rank: int) -> Value:
    if isinstance(value, (list, tuple)):
        return tuple(_from_the_end(item, rank) for item in value)
    return str(value - rank if isinstance(value, int) and value >= 0 else value)


def _is_the_end(value: object, dimension: int, shape: list[int]) -> bool:
    return isinstance(value, int) and -len(shape) <= dimension < len(shape) and value >= shape[dimension]


def _value(value: object, made: dict[Node, Value], sizes: set[str]) -> Value:
    if isinstance(value, Node):
        return made[value]
    if isinstance(value, (list, tuple)):
        return tuple(_value(item, made, sizes) for item in value)
    if isinstance(value, torch.dtype):
        return _kind_of_dtype(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    text = f"{value:.6g}"
    return _ANY if text in sizes else text


# Divisors and scales that follow from sizes: n, 1 / n, and the roots of both.
def _sizes_in(nodes: Iterable[Node]) -> set[str]:
    found: set[int] = set()
    for node in nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            found |= {int(size) for size in value.shape} | {value.numel()}
    numbers = [size for size in found if size >= _LEAST_SIZE]
    forms = [form for n in numbers for form in (n, 1 / n, math.sqrt(n), 1 / math.sqrt(n))]
    return {f"{form:.6g}" for form in forms}


def _is_same(source: Node, node: Node) -> bool:
    before, after = source.meta.get("val"), node.meta.get("val")
    if not isinstance(before, torch.Tensor) or not isinstance(after, torch.Tensor):
        return False
    return before.shape == after.shape and _kind(before) == _kind(after)


def _shape(node: Node | None) -> list[int]:
    value = None if node is None else node.meta.get("val")
    return [int(size) for size in value.shape] if isinstance(value, torch.Tensor) else []


def _kind(value: object) -> str:
    return _kind_of_dtype(value.dtype) if isinstance(value, torch.Tensor) else "other"


# How precisely numbers are kept is a matter of the workload.
def _kind_of_dtype(dtype: torch.dtype) -> str:
    if dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        return "float"
    return str(dtype).removeprefix("torch.")
