"""A graph of ATen operators as text that is the same for programs that compute the same, shapes aside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .graph_rewrites import REWRITES
from .graph_term import Term, Value, digest_of

_COMMUTATIVE: Final = {
    *("add", "mul", "maximum", "minimum", "logical_and", "logical_or", "logical_xor", "eq", "ne"),
    *("bitwise_and", "bitwise_or", "bitwise_xor"),
}
# What changes how values lie in memory, or how precisely they are kept, and not what they are.
_NOTHING: Final = {"clone", "alias", "detach", "lift_fresh", "lift_fresh_copy", "contiguous", "positive"}
# What makes one number of one number.
_OF_CONSTANTS: Final = {"view", "expand", "_to_copy", "scalar_tensor"}


class Terms:
    """The terms of one graph; what is computed twice is one term."""

    def __init__(self) -> None:
        self._known: dict[tuple, Term] = {}

    def leaf(self, kind: str) -> Term:
        """A leaf of its own."""
        return Term("leaf", (("kind", kind),), digest_of(["leaf", kind]))

    def make(self, operator: str, arguments: Iterable[tuple[str, Value]]) -> Value:
        """An operator on arguments, in the one way in which it is written here."""
        given = dict(arguments)
        first = given.get("self")
        if first is not None and (operator in _NOTHING or (operator in _OF_CONSTANTS and isinstance(first, str))):
            return first
        if operator == "view" and isinstance(first, Term) and first.operator == "view":
            given["self"] = first.get("self")
        if operator in _COMMUTATIVE:
            given = _ordered(given)
        rewritten = REWRITES.get(operator)
        if rewritten is not None and (term := rewritten(self, given)) is not None:
            return term
        return self._interned(operator, tuple(sorted(given.items(), key=lambda item: item[0])))

    def _interned(self, operator: str, arguments: tuple[tuple[str, Value], ...]) -> Term:
        key = (operator, arguments)
        known = self._known.get(key)
        if known is None:
            words = [operator, *(f"{name}={_shape_of(value)}" for name, value in arguments)]
            known = self._known[key] = Term(operator, arguments, digest_of(words))
        return known


def text_of(outputs: list[Value]) -> str:
    """The graph below its outputs, one line a term; leaves are numbered in the order in which they are met."""
    numbers: dict[Term, str] = {}
    lines: list[str] = []
    for root in _terms_in(tuple(outputs)):
        stack = [root]
        while stack:
            term = stack[-1]
            if term in numbers:
                stack.pop()
                continue
            below = _terms_in(tuple(value for _, value in term.arguments))
            waiting = [each for each in below if each not in numbers]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            numbers[stack.pop()] = f"%{len(numbers)}"
            words = ", ".join(f"{name}={_numbered(value, numbers)}" for name, value in term.arguments)
            lines.append(f"{numbers[term]} = {term.operator}({words})")
    returned = ", ".join(_numbered(value, numbers) for value in outputs)
    return "\n".join([*lines, f"return {returned}"])


def _terms_in(value: Value) -> Iterable[Term]:
    if isinstance(value, Term):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _terms_in(item)


def _numbered(value: Value, numbers: dict[Term, str]) -> str:
    if isinstance(value, Term):
        return numbers[value]
    return f"[{', '.join(_numbered(item, numbers) for item in value)}]" if isinstance(value, tuple) else value


def _shape_of(value: Value) -> str:
    if isinstance(value, Term):
        return value.digest
    return f"[{', '.join(map(_shape_of, value))}]" if isinstance(value, tuple) else value


# Numbers last, and of two tensors the one whose computation comes first in an order that names play no part in.
def _ordered(given: dict[str, Value]) -> dict[str, Value]:
    if "alpha" in given or "other" not in given:
        return given
    pair = sorted((given["self"], given["other"]), key=lambda item: (not isinstance(item, Term), _shape_of(item)))
    return {**given, "self": pair[0], "other": pair[1]}
