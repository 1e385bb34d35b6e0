"""Ways to write one computation, brought to one of them: each gives that term, or None where nothing is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .graph_term import Term, Value

if TYPE_CHECKING:
    from .graph_text import Terms


def _power(terms: Terms, given: dict[str, Value]) -> Value | None:
    base, exponent = given["self"], given.get("exponent")
    if exponent == "2":
        return terms.make("mul", [("self", base), ("other", base)])
    named = {"0.5": "sqrt", "-0.5": "rsqrt", "-1": "reciprocal"}.get(exponent) if isinstance(exponent, str) else None
    return None if named is None else terms.make(named, [("self", base)])


# x / c is x * (1 / c); x / sqrt(y) is x * rsqrt(y).
def _quotient(terms: Terms, given: dict[str, Value]) -> Value | None:
    if set(given) != {"self", "other"}:
        return None
    below = given["other"]
    if isinstance(below, Term) and below.operator == "sqrt":
        return terms.make("mul", [("self", given["self"]), ("other", terms.make("rsqrt", below.arguments))])
    if isinstance(below, str) and (number := _reciprocal(below)) is not None:
        return terms.make("mul", [("self", given["self"]), ("other", number)])
    return None


def _reciprocal(text: str) -> str | None:
    if text == "?":
        return text
    try:
        return f"{1 / float(text):.6g}"
    except (ValueError, ZeroDivisionError):
        return None


# Reductions that give two results, of which one is asked for.
def _item(terms: Terms, given: dict[str, Value]) -> Value | None:
    pair, index = given["self"], given["index"]
    if not isinstance(pair, Term) or not isinstance(index, str):
        return None
    of_pair = {name: value for name, value in pair.arguments if name != "correction" or index == "0"}
    name = {("max", "0"): "amax", ("min", "0"): "amin", ("var_mean", "0"): "var", ("var_mean", "1"): "mean"}.get(
        (pair.operator, index)
    )
    if name is None:
        return None
    dimension = of_pair.get("dim")
    if isinstance(dimension, str):
        of_pair["dim"] = (dimension,)
    return terms.make(name, of_pair.items())


def _sum(terms: Terms, given: dict[str, Value]) -> Value | None:
    del terms
    return given["self"] if given.get("other") == "0" and "alpha" not in given else None


def _product(terms: Terms, given: dict[str, Value]) -> Value | None:
    del terms
    return given["self"] if given.get("other") == "1" else None


def _clamped(terms: Terms, given: dict[str, Value]) -> Value | None:
    is_relu = set(given) == {"self", "min"} and given["min"] == "0"
    return terms.make("relu", [("self", given["self"])]) if is_relu else None


# A tensor of one number is that number, since its size is left out.
def _constant(terms: Terms, given: dict[str, Value]) -> Value | None:
    del terms
    number = given.get("fill_value", given.get("s"))
    return number if isinstance(number, str) else None


# Leading dimensions that stay where they are say only how many there are.
def _permuted(terms: Terms, given: dict[str, Value]) -> Value | None:
    dims = given.get("dims")
    if not isinstance(dims, tuple):
        return None
    moved = next((place for place, item in enumerate(dims) if item != str(place - len(dims))), len(dims))
    if moved == len(dims):
        return given["self"]
    return None if moved == 0 else terms.make("permute", [("self", given["self"]), ("dims", dims[moved:])])


REWRITES: Final = {
    "add": _sum,
    "clamp": _clamped,
    "clamp_min": _clamped,
    "div": _quotient,
    "full": _constant,
    "full_like": _constant,
    "getitem": _item,
    "mul": _product,
    "permute": _permuted,
    "pow": _power,
    "scalar_tensor": _constant,
}
