"""The tokens of C++ and CUDA sources, and where their braces close: enough to tell declarations apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<directive>(?<![^\n])[ \t]*\#(?:\\\r?\n|[^\n])*)
    | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
    | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
    | (?P<word>[A-Za-z_]\w*)
    | (?P<number>\.?\d(?:[eEpP][+-]|'(?=\w)|[\w.])*)
    | (?P<mark><<<|>>>|::|->|<<=|>>=|[-+*/%&|^!=<>]=|&&|\|\||\+\+|--|<<|>>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Unreadable(Exception):  # noqa: N818
    """Text whose structure cannot be told with certainty."""


@dataclass(frozen=True)
class Token:
    """One token with its place in the text; comments and white space have none."""

    kind: str
    """`directive`, `string`, `word`, `number` or `mark`."""
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """All tokens. Raises Unreadable where a literal or a comment does not end."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "delimiter" or match.group("raw"):
            kind = "string"
        if kind == "comment" or match.group().isspace():
            continue
        word = match.group()
        # Found at once: looking for the end of each of many would take for ever.
        is_open = (word == "/" and text.startswith("/*", match.start())) or (
            kind == "word" and word.endswith("R") and text.startswith('"', match.end())
        )
        if is_open or (kind == "mark" and word in "\"'\\") or (kind == "directive" and "/*" in word):
            raise Unreadable("a literal, a comment or a directive that cannot be told apart")
        found.append(Token(kind, word, match.start(), match.end()))
    return found


def partners(tokens: list[Token]) -> dict[int, int]:
    """For each opening bracket the index of the one that closes it. Raises Unreadable where they do not match."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind != "mark":
            continue
        if token.text in _CLOSING:
            opened.append(index)
        elif token.text in _CLOSING.values():
            if not opened or _CLOSING[tokens[opened[-1]].text] != token.text:
                raise Unreadable("brackets that do not match")
            pairs[opened.pop()] = index
    if opened:
        raise Unreadable("brackets that do not close")
    return pairs
