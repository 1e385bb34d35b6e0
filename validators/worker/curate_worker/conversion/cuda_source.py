"""What a CUDA source declares, as far as a launch plan needs it: kernels' parameters, constants, launchers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..judge.builds.source_tokens import Token, Unreadable, partners, tokens_of
from .host_expressions import Expressions
from .host_values import Number, Value
from .refusal import CannotConvert

_QUALIFIERS: Final = {
    "const",
    "constexpr",
    "static",
    "inline",
    "__restrict__",
    "__restrict",
    "restrict",
    "extern",
    "volatile",
}
_CONSTANT_TYPES: Final = {"int", "int64_t", "size_t", "unsigned", "float", "double", "int32_t", "uint32_t", "long"}


@dataclass(frozen=True)
class Function:
    """A function of the host or a kernel."""

    name: str
    parameters: list[tuple[str, str]]
    """Type without qualifiers, and name."""
    body: list[Token]
    is_template: bool


@dataclass(frozen=True)
class CudaSource:
    """Its functions and constants."""

    kernels: dict[str, Function]
    launchers: dict[str, Function]
    constants: dict[str, Value]


def read_cuda(text: str) -> CudaSource:
    """Reads a source. Raises CannotConvert."""
    try:
        tokens = tokens_of(text)
        pairs = partners(tokens)
    except Unreadable as error:
        raise CannotConvert("UNREADABLE", str(error)) from error
    source = CudaSource({}, {}, dict(_defined(tokens)))
    for first, last in _declarations(tokens, pairs):
        _take(source, tokens, pairs, first, last)
    return source


def _take(source: CudaSource, tokens: list[Token], pairs: dict[int, int], first: int, last: int) -> None:
    words = [token.text for token in tokens[first : last + 1]]
    if tokens[last].text == "}" and (function := _function(tokens, pairs, first, last)) is not None:
        if "__global__" in words[: words.index("{")]:
            source.kernels[function.name] = function
        elif not {"__device__"} & set(words[: words.index("{")]):
            source.launchers[function.name] = function
        return
    if {"const", "constexpr"} & set(words) and "=" in words and "(" not in words[: words.index("=")]:
        equals = words.index("=")
        if set(words[: equals - 1]) <= _QUALIFIERS | _CONSTANT_TYPES:
            try:
                found = Expressions(words[equals + 1 : -1], source.constants).whole()
            except CannotConvert:
                return
            source.constants[words[equals - 1]] = found


def _defined(tokens: list[Token]) -> Iterator[tuple[str, Value]]:
    for token in tokens:
        words = token.text.split()
        if token.kind == "directive" and words[0] == "#define" and len(words) == 3 and words[2].isdigit():  # noqa: PLR2004
            yield words[1], Number(words[2], is_atom=True)


# At the level of the file and of its namespaces.
def _declarations(tokens: list[Token], pairs: dict[int, int]) -> Iterator[tuple[int, int]]:
    index = first = 0
    while index < len(tokens):
        text = tokens[index].text
        if tokens[index].kind == "directive" or (text == "{" and _opens_scope(tokens, first, index)) or text == "}":
            index += 1
            first = index
        elif text == "{" and tokens[pairs[index] + 1 : pairs[index] + 2] != [] and tokens[pairs[index] + 1].text == ";":
            yield first, pairs[index] + 1
            first = index = pairs[index] + 2
        elif text == "{":
            yield first, pairs[index]
            first = index = pairs[index] + 1
        elif text == ";":
            yield first, index
            first = index = index + 1
        else:
            index = pairs.get(index, index) + 1


def _opens_scope(tokens: list[Token], first: int, brace: int) -> bool:
    head = [token.text for token in tokens[first:brace]]
    return "namespace" in head or (head[:1] == ["extern"] and len(head) == 2)  # noqa: PLR2004


def _function(tokens: list[Token], pairs: dict[int, int], first: int, last: int) -> Function | None:
    body = next(index for index in range(first, last) if tokens[index].text == "{")
    openings = [index for index in range(first, body) if tokens[index].text == "(" and tokens[index - 1].kind == "word"]
    openings = [index for index in openings if pairs[index] < body and tokens[index - 1].text != "__launch_bounds__"]
    if not openings:
        return None
    opening = openings[-1]
    inside = tokens[opening + 1 : pairs[opening]]
    parameters = [_parameter(part) for part in _parts(inside)]
    is_template = tokens[first].text == "template"
    return Function(tokens[opening - 1].text, parameters, tokens[body + 1 : last], is_template)


def _parameter(part: list[Token]) -> tuple[str, str]:
    words = [token.text for token in part if token.text not in _QUALIFIERS]
    if "=" in words:
        words = words[: words.index("=")]
    if len(words) < 2:  # noqa: PLR2004
        return " ".join(words), ""
    return " ".join(words[:-1]).replace(" :: ", "::"), words[-1]


def _parts(tokens: list[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    depth = 0
    for token in tokens:
        depth += {"(": 1, "<": 1, "[": 1, "{": 1, ")": -1, ">": -1, "]": -1, "}": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            yield part
            part = []
        else:
            part.append(token)
    if part:
        yield part
