"""
The little language in which a launch plan says sizes and numbers: read by a parser of its own, computed without `eval`.

    expression = and-terms joined by `or`;    comparison = sum [< <= > >= == != sum]
    sum = products with + -;                  product = signed numbers with * / // %
    atom = number | symbol | function(expression, ...) | ( expression )

Whole numbers stay whole but for `/` and `sqrt`. What leaves 64 bits, or divides by zero, is a `PlanError`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

Number = int | float

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<mark>//|<=|>=|==|!=|[-+*/%<>(),]))"
)
_MOST_CHARACTERS, _MOST_DEPTH, _MOST = 1000, 40, 1 << 63


class PlanError(Exception):
    """A launch plan that says nothing that can be done."""


@dataclass(frozen=True)
class Facts:
    """What expressions may ask of a tensor."""

    shape: tuple[int, ...]
    itemsize: int

    @property
    def numel(self) -> int:
        """Number of its elements."""
        return math.prod(self.shape)


Scope = Mapping[str, "Number | Facts"]
Compiled = Callable[[Scope], "Number | Facts"]


def whole(text: str | int, scope: Scope) -> int:
    """The whole number that an expression means. Raises PlanError."""
    value = number(text, scope)
    if isinstance(value, float):
        if not value.is_integer():
            raise PlanError(f"{text!r} is {value}, and a whole number is wanted")
        return int(value)
    return value


def number(text: str | float, scope: Scope) -> Number:
    """The number that an expression means. Raises PlanError."""
    value = text if isinstance(text, (int, float)) else _Parser(text).parsed()(scope)
    if isinstance(value, Facts):
        raise PlanError(f"{text!r} is a tensor, and a number is wanted")
    return _bounded(value)


def require_readable(text: str | float) -> None:
    """Raises PlanError for what is no expression, whatever its symbols mean."""
    if isinstance(text, str):
        _Parser(text).parsed()


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > _MOST_CHARACTERS:
            raise PlanError(f"an expression of {len(text)} characters")
        self._text, self._place, self._depth = text, 0, 0
        self._tokens = self._read()

    def parsed(self) -> Compiled:
        found = self._either()
        if self._place < len(self._tokens):
            raise self._wrong()
        return found

    def _read(self) -> list[tuple[str, str]]:
        tokens, place, text = [], 0, self._text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise PlanError(f"{self._text!r} cannot be read at {text[place:].strip()[:10]!r}")
            tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
            place = match.end()
        return tokens

    def _either(self) -> Compiled:
        return self._joined(self._both, {"or": lambda a, b: int(bool(a) or bool(b))})

    def _both(self) -> Compiled:
        return self._joined(self._negated, {"and": lambda a, b: int(bool(a) and bool(b))})

    def _negated(self) -> Compiled:
        if self._next("not"):
            inner = self._deeper(self._negated)
            return lambda scope: int(not _value(inner(scope)))
        return self._joined(self._sum, _COMPARISONS)

    def _sum(self) -> Compiled:
        return self._joined(self._product, {"+": operator.add, "-": operator.sub})

    def _product(self) -> Compiled:
        return self._joined(self._signed, _PRODUCTS)

    def _signed(self) -> Compiled:
        if self._next("-"):
            inner = self._deeper(self._signed)
            return lambda scope: -_value(inner(scope))
        return self._atom()

    def _joined(self, part: Callable[[], Compiled], known: dict[str, Callable]) -> Compiled:
        found = part()
        while (sign := next((text for text in known if self._next(text)), None)) is not None:
            found = _applied(known[sign], found, part())
        return found

    def _atom(self) -> Compiled:
        if self._place >= len(self._tokens):
            raise self._wrong()
        kind, text = self._tokens[self._place]
        self._place += 1
        if kind == "number":
            value = _bounded(int(text) if text.isdigit() else float(text))
            return lambda _: value
        if kind == "word":
            return self._call(text) if self._next("(") else _looked_up(text)
        if text != "(":
            raise self._wrong()
        inner = self._deeper(self._either)
        self._require(")")
        return inner

    def _call(self, name: str) -> Compiled:
        if name not in _FUNCTIONS:
            raise PlanError(f"there is no function {name}; there are {', '.join(sorted(_FUNCTIONS))}")
        given = [self._deeper(self._either)]
        while self._next(","):
            given.append(self._deeper(self._either))
        self._require(")")
        least, most, function = _FUNCTIONS[name]
        if not least <= len(given) <= most:
            raise PlanError(f"{name} takes {least} arguments in {self._text!r}")
        return lambda scope: _bounded(function(*(item(scope) for item in given)))

    def _deeper(self, part: Callable[[], Compiled]) -> Compiled:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise PlanError("an expression that is nested too deeply")
        found = part()
        self._depth -= 1
        return found

    def _next(self, text: str) -> bool:
        found = self._place < len(self._tokens) and self._tokens[self._place][1] == text
        self._place += found
        return found

    def _require(self, text: str) -> None:
        if not self._next(text):
            raise self._wrong()

    def _wrong(self) -> PlanError:
        return PlanError(f"{self._text!r} is no expression")


def _looked_up(name: str) -> Compiled:
    def look(scope: Scope) -> Number | Facts:
        if name not in scope:
            raise PlanError(f"nothing is called {name}; there are {', '.join(sorted(scope)[:20])}")
        return scope[name]

    return look


def _applied(function: Callable, first: Compiled, second: Compiled) -> Compiled:
    return lambda scope: _bounded(function(_value(first(scope)), _value(second(scope))))


def _value(item: Number | Facts) -> Number:
    if isinstance(item, Facts):
        raise PlanError("a tensor is no number: ask for numel, shape or rank")
    return item


def _facts(item: Number | Facts) -> Facts:
    if not isinstance(item, Facts):
        raise PlanError("numel, shape, rank and itemsize are asked of tensors")
    return item


def _bounded(value: Number) -> Number:
    if isinstance(value, float) and not math.isfinite(value):
        raise PlanError("a number that is not finite")
    if not -_MOST <= value < _MOST:
        raise PlanError("a number of more than 64 bits")
    return value


def _divided(function: Callable) -> Callable:
    def divide(first: Number, second: Number) -> Number:
        if second == 0:
            raise PlanError("a division by zero")
        return function(first, second)

    return divide


def _size(item: Number | Facts, place: Number | Facts) -> int:
    shape, index = _facts(item).shape, _value(place)
    if not isinstance(index, int) or not -len(shape) <= index < len(shape):
        raise PlanError(f"a tensor of {len(shape)} dimensions has no dimension {index}")
    return shape[index]


def _square_root(item: Number | Facts) -> float:
    value = _value(item)
    if value < 0:
        raise PlanError("the square root of a negative number")
    return math.sqrt(value)


def _power_of_two(item: Number | Facts) -> int:
    return 1 << max(0, math.ceil(_value(item)) - 1).bit_length()


_COMPARISONS: Final = {
    sign: (lambda a, b, compare=compare: int(compare(a, b)))
    for sign, compare in {
        "<=": operator.le,
        ">=": operator.ge,
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        ">": operator.gt,
    }.items()
}
_PRODUCTS: Final = {
    "*": operator.mul,
    "//": _divided(operator.floordiv),
    "/": _divided(operator.truediv),
    "%": _divided(operator.mod),
}
_FUNCTIONS: Final[dict[str, tuple[int, int, Callable]]] = {
    "ceil_div": (2, 2, lambda a, b: -_divided(operator.floordiv)(-_value(a), _value(b))),
    "itemsize": (1, 1, lambda item: _facts(item).itemsize),
    "max": (2, 8, lambda *items: max(map(_value, items))),
    "min": (2, 8, lambda *items: min(map(_value, items))),
    "next_power_of_2": (1, 1, _power_of_two),
    "numel": (1, 1, lambda item: _facts(item).numel),
    "rank": (1, 1, lambda item: len(_facts(item).shape)),
    "select": (3, 3, lambda chosen, one, other: _value(one) if _value(chosen) else _value(other)),
    "shape": (2, 2, _size),
    "sqrt": (1, 1, _square_root),
}
