"""
Recognises a binding that only declares functions and makes them callable from Python. It can stand before the host part
of a CUDA source in one compilation, which saves reading PyTorch's headers twice, and mean what it means alone.
"""

from __future__ import annotations

import re
from collections import Counter

from .headers import EXTENSION, TYPES
from .source_tokens import Token, Unreadable, partners, tokens_of

_INCLUDE = re.compile(r"\s*#\s*include\s*<([^>]+)>\s*$")
_INCLUDED = {EXTENSION, TYPES, "vector", "string", "tuple"}
_MORE_THAN_DECLARED = {"{", "}", "=", "[", "using", "template", "typedef", "namespace", "operator", "struct", "class"}
_MODULE = "PYBIND11_MODULE"


def first_include(text: str) -> str | None:
    """The header that a source includes before all else; None where it begins with something else."""
    lines = (line for line in text.splitlines() if line.strip())
    found = _INCLUDE.match(next(lines, ""))
    return found.group(1) if found else None


def fits_before(binding: str, source: str) -> bool:
    """
    Whether a binding may be compiled in front of a CUDA source: it leaves nothing behind but declarations of functions,
    which the source itself does no more than define.
    """
    try:
        declared = _declared_functions(binding)
        words = Counter(token.text for token in tokens_of(source) if token.kind == "word")
    except (Unreadable, LookupError):
        return False
    return declared is not None and all(words[name] <= 1 for name in declared)


# None where there is more than includes, declarations and, last, the module.
def _declared_functions(text: str) -> set[str] | None:
    if first_include(text) != EXTENSION:
        return None
    tokens = tokens_of(text)
    start = next((index for index, token in enumerate(tokens) if token.text == _MODULE), None)
    if start is None or not _is_one_module(tokens[start:]):
        return None
    names: set[str] = set()
    statement: list[Token] = []
    for token in tokens[:start]:
        if token.kind == "directive":
            included = _INCLUDE.match(token.text)
            if included is None or included.group(1) not in _INCLUDED or statement:
                return None
        elif token.text == ";":
            name = _declared_name(statement)
            if name is None:
                return None
            names.add(name)
            statement = []
        elif token.text in _MORE_THAN_DECLARED:
            return None
        else:
            statement.append(token)
    return None if statement else names


def _is_one_module(tokens: list[Token]) -> bool:
    pairs = partners(tokens)
    if len(tokens) < len("(){}") or tokens[1].text != "(":
        return False
    body = pairs[1] + 1
    has_directive = any(token.kind == "directive" for token in tokens)
    return not has_directive and pairs.get(body) == len(tokens) - 1


# `type name(parameters)`, and nothing behind.
def _declared_name(statement: list[Token]) -> str | None:
    pairs = partners(statement)
    opening = next((index for index, token in enumerate(statement) if token.text == "("), None)
    if opening is None or opening < 2 or pairs[opening] != len(statement) - 1:  # noqa: PLR2004
        return None
    name = statement[opening - 1]
    return name.text if name.kind == "word" and statement[opening - 2].text != "::" else None
