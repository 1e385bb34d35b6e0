"""The tags of all sources of a candidate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

from .native_rules import native_tags
from .python_rules import python_tags
from .tag import Tag

_NATIVE: Final = (".cpp", ".cc", ".cxx", ".c", ".cu", ".cuh", ".h", ".hpp")
_NATIVE_TEXT: Final = re.compile(r"#\s*include\b|__global__|extern\s+\"C\"|torch::Tensor|at::Tensor")
_MOST_CHARACTERS: Final = 1_000_000


def tags_of(files: dict[str, str]) -> list[Tag]:
    """One tag per rule and file, at its first line; what cannot be read has none."""
    found = [tag for path, text in files.items() if len(text) <= _MOST_CHARACTERS for tag in _tags(path, text)]
    return _first_of_each(found)


def _tags(path: str, text: str) -> Iterator[Tag]:
    if path.endswith(_NATIVE):
        yield from _placed(path, native_tags(text), 0)
    if not path.endswith(".py"):
        return
    try:
        tree = ast.parse(text)
        yield from _placed(path, python_tags(tree), 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NATIVE_TEXT.search(node.value):
            yield from _placed(path, native_tags(node.value), node.lineno - 1)


def _placed(path: str, found: Iterable[tuple[str, int]], before: int) -> Iterator[Tag]:
    yield from (Tag(rule, path, before + line) for rule, line in found)


def _first_of_each(tags: list[Tag]) -> list[Tag]:
    first: dict[tuple[str, str], Tag] = {}
    for tag in sorted(tags):
        first.setdefault((tag.rule, tag.path), tag)
    return sorted(first.values())
