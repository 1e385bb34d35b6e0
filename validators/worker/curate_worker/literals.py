"""The literals of a workload's axes: Python literals and names of dtypes, nothing that runs."""

from __future__ import annotations

import ast

import torch

from .tensors import DTYPES

_MAX_CHARACTERS = 10_000


def parse_literal(text: str) -> object:
    """`"1024"`, `"(4, 8)"`, `"'mean'"`, `"torch.float16"`, or containers of them. Raises ValueError for the rest."""
    if len(text) > _MAX_CHARACTERS:
        raise ValueError("a literal that is too long")
    try:
        return _value_of(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a Python literal") from error


def _value_of(node: ast.expr) -> object:
    if isinstance(node, ast.Attribute):
        return _dtype_of(node)
    if isinstance(node, ast.Tuple):
        return tuple(_value_of(item) for item in node.elts)
    if isinstance(node, ast.List):
        return [_value_of(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {ast.literal_eval(key): _value_of(item) for key, item in zip(node.keys, node.values, strict=True)}
    return ast.literal_eval(node)


def _dtype_of(node: ast.Attribute) -> torch.dtype:
    is_torch = isinstance(node.value, ast.Name) and node.value.id == "torch"
    # By value, since PyTorch has other names for some: `torch.float`.
    dtype = getattr(torch, node.attr, None) if is_torch else None
    if not isinstance(dtype, torch.dtype) or dtype not in DTYPES.values():
        raise ValueError(f"{ast.unparse(node)} is not a dtype that can be sent")
    return dtype
