"""Reads expressions of launchers in C++: sizes, numbers, tensors and addresses, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .host_terms import FLOATS, FUNCTIONS, INTEGERS, METHODS, address_of, cast, joined, literal, number_of, size_of
from .host_values import (
    DTYPE_OF_C,
    DTYPE_OF_TORCH,
    Nothing,
    Number,
    Options,
    Sizes,
    Tensor,
    Value,
)
from .refusal import CannotConvert

_LEVELS: Final = [["||"], ["&&"], ["==", "!="], ["<", ">", "<=", ">="], ["<<"], ["+", "-"], ["*", "/", "%"]]
_STREAMS: Final = {"getCurrentCUDAStream", "getDefaultCUDAStream", "getStreamFromPool"}
_ADDRESSES: Final = {"data_ptr", "const_data_ptr", "mutable_data_ptr", "data"}
_ITEM_BYTES: Final = {
    "float": 4,
    "double": 8,
    "int": 4,
    "half": 2,
    "__half": 2,
    "int64_t": 8,
    "char": 1,
    "float4": 16,
    "float2": 8,
}


class Expressions:
    """One expression after another from a row of tokens' texts."""

    def __init__(self, words: Sequence[str], known: dict[str, Value]) -> None:
        self.words, self.known, self.place = list(words), known, 0

    def whole(self) -> Value:
        """The only expression there is."""
        found = self.value()
        if self.place < len(self.words):
            raise self.unread()
        return found

    def all(self) -> list[Value]:
        """Expressions between commas."""
        found: list[Value] = []
        while self.place < len(self.words):
            found.append(self.value())
            if self.place < len(self.words):
                self.require(",")
        return found

    def value(self) -> Value:
        """The next one, up to a comma or a closing bracket."""
        condition = self._level(0)
        if not self.take("?"):
            return condition
        first = self.value()
        self.require(":")
        numbers = [number_of(item) for item in (condition, first, self.value())]
        text = f"select({', '.join(item.text for item in numbers)})"
        return Number(text, any(item.is_float for item in numbers[1:]), is_atom=True)

    def unread(self) -> CannotConvert:
        """What to say of tokens that nobody understands."""
        return CannotConvert("HOST_CODE", f"`{' '.join(self.words[:24])}`")

    def peek(self, ahead: int = 0) -> str:
        """The token that comes; empty at the end."""
        return self.words[self.place + ahead] if self.place + ahead < len(self.words) else ""

    def take(self, text: str) -> bool:
        """Whether the next token is this one, which is passed then."""
        found = self.peek() == text
        self.place += found
        return found

    def require(self, text: str) -> None:
        """Passes a token that must come."""
        if not self.take(text):
            raise self.unread()

    def _level(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._signed()
        found = self._level(level + 1)
        while self.peek() in _LEVELS[level]:
            sign = self.peek()
            self.place += 1
            found = joined(sign, number_of(found), number_of(self._level(level + 1)))
        return found

    def _signed(self) -> Value:
        if self.take("-"):
            inner = number_of(self._signed())
            return Number(f"-{inner.inner}", inner.is_float)
        if self.take("!"):
            return Number(f"not {number_of(self._signed()).inner}")
        if self.take("&") or self.take("*"):
            raise self.unread()
        return self._suffixed(self._atom())

    def _atom(self) -> Value:
        text = self.peek()
        if text == "(":
            return self._cast() or self._inner()
        if text == "{":
            return Sizes(None, [number_of(item) for item in self._list("{", "}")])
        self.place += 1
        if text[:1].isdigit() or text[:1] == ".":
            return literal(text)
        if text in ("true", "false"):
            return Number("1" if text == "true" else "0", is_atom=True)
        if not text.isidentifier():
            raise self.unread()
        return self._named(text)

    # `std::min`, `torch::empty`: what is before the last `::` says only whose it is.
    def _named(self, text: str) -> Value:
        name = text
        while self.take("::"):
            name = self.peek()
            text = f"{text}::{name}"
            self.place += 1
        if text in self.known and self.peek() != "(":
            return self.known[text]
        plain = text.rpartition("::")[2]
        if plain in DTYPE_OF_TORCH:
            return Options(DTYPE_OF_TORCH[plain])
        if text in ("nullptr", "NULL") or plain in ("kCUDA", "kStrided"):
            return Nothing()
        return self._called(plain, text)

    def _called(self, name: str, text: str) -> Value:
        kind = self._angles() if self.peek() == "<" and name.endswith(("_cast", "min", "max")) else ""
        if self.peek() != "(":
            raise CannotConvert("UNKNOWN_NAME", f"`{text}` in `{' '.join(self.words[:24])}`")
        if name == "sizeof":
            inside = " ".join(self._raw("(", ")"))
            if inside not in _ITEM_BYTES:
                raise CannotConvert("HOST_CODE", f"`sizeof({inside})`")
            return Number(str(_ITEM_BYTES[inside]), is_atom=True)
        given = self._list("(", ")")
        if name.endswith("_cast"):
            return cast(given[0], kind)
        if name in _STREAMS or name in ("device", "requires_grad", "Device"):
            return Nothing()
        found = FUNCTIONS.get(name)
        if found is None:
            raise CannotConvert("HOST_CALL", f"`{text}` is called on the host")
        return found(given)

    def _suffixed(self, found: Value) -> Value:
        while self.peek() in (".", "["):
            if self.take("["):
                index = number_of(self.value())
                self.require("]")
                found = size_of(found, index)
                continue
            self.require(".")
            name = self.peek()
            self.place += 1
            self.take("template")
            kind = self._angles() if self.peek() == "<" and name in (*_ADDRESSES, "packed_accessor32") else ""
            if self.peek() != "(":
                raise self.unread()
            found = self._method(found, name, kind, self._list("(", ")"))
        return found

    def _method(self, of: Value, name: str, kind: str, given: list[Value]) -> Value:
        if isinstance(of, Tensor):
            if name in _ADDRESSES:
                return address_of(of, kind)
            if name == "size" and given:
                return size_of(of, number_of(given[0]))
            found = METHODS.get(name)
            if found is not None:
                return found(of)
        if isinstance(of, Sizes) and of.of is not None and name in ("size", "vec"):
            return Number(f"rank({of.of.name})", is_atom=True) if name == "size" else of
        if isinstance(of, Options) and name in ("dtype", "device", "requires_grad", "layout", "memory_format"):
            return next((item for item in given if isinstance(item, Options)), of) if name == "dtype" else of
        if isinstance(of, Nothing):
            return of
        raise CannotConvert("HOST_CALL", f"`.{name}()` is called on the host")

    def _inner(self) -> Value:
        self.require("(")
        found = self.value()
        self.require(")")
        return found

    # `(float*)x.data_ptr()`, `(int)n`.
    def _cast(self) -> Value | None:
        start = self.place
        inside = " ".join(self._raw("(", ")"))
        kind = inside.removeprefix("const ").replace(" *", "*").strip()
        if kind.rstrip("*").strip() in DTYPE_OF_C or INTEGERS.fullmatch(kind) or kind in (*FLOATS, "void*"):
            return cast(self._suffixed(self._atom()), kind)
        self.place = start
        return None

    def _list(self, opening: str, closing: str) -> list[Value]:
        return Expressions(self._raw(opening, closing), self.known).all()

    def _raw(self, opening: str, closing: str) -> list[str]:
        self.require(opening)
        start, depth = self.place, 1
        while depth and self.place < len(self.words):
            depth += {opening: 1, closing: -1}.get(self.peek(), 0)
            self.place += 1
        if depth:
            raise self.unread()
        return self.words[start : self.place - 1]

    def _angles(self) -> str:
        text = " ".join(self._raw("<", ">"))
        return text.replace(" :: ", "::").replace(" *", "*")
