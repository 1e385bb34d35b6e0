"""Follows a launcher in C++ statement by statement: what it allocates, computes and launches."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from ..judge.builds.source_tokens import Token
from .cuda_source import CudaSource, Function
from .host_expressions import Expressions
from .host_terms import number_of
from .host_values import SCALAR_OF_C, Address, Blocks, Nothing, Number, Tensor, Value
from .refusal import CannotConvert

_CHECKS: Final = re.compile(
    r"TORCH_CHECK\w*|CHECK(_\w+)?|AT_ASSERT\w*|TORCH_INTERNAL_ASSERT|C10_CUDA_\w*CHECK|AT_CUDA_CHECK|CUDA_CHECK\w*|assert"
    r"|gpuErrchk|cudaGetLastError|cudaDeviceSynchronize|cudaStreamSynchronize|cudaPeekAtLastError"
)
_GUARD: Final = re.compile(r"(at|c10)?(::)?(cuda)?(::)?(Optional)?CUDAGuard")
_TYPES: Final = {
    "auto",
    "int",
    "int64_t",
    "int32_t",
    "uint32_t",
    "unsigned",
    "long",
    "size_t",
    "float",
    "double",
    "bool",
    "dim3",
}
_WHOLE: Final = _TYPES - {"auto", "float", "double", "dim3"}
_QUALIFIERS: Final = {"const", "constexpr", "static"}
_MAKES_TENSOR: Final = {"Tensor", "TensorOptions", "cudaStream_t", "CUDAStream"}


@dataclass
class Launched:
    """What a launcher comes to."""

    symbols: dict[str, str] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)
    """Those that it allocates."""
    launches: list[dict] = field(default_factory=list)
    returned: list[Tensor] = field(default_factory=list)


class Launcher:
    """One call of a launcher."""

    def __init__(self, source: CudaSource, function: Function, given: list[Value], taken: set[str]) -> None:
        """`taken` are names that nothing else may have."""
        if function.is_template:
            raise CannotConvert("TEMPLATE_LAUNCHER", f"the launcher {function.name} is a template")
        if len(given) != len(function.parameters):
            raise CannotConvert("HOST_CALL", f"{function.name} is called with {len(given)} arguments")
        self._source, self._taken = source, taken
        self._known: dict[str, Value] = dict(source.constants)
        self._known |= {name: item for (_, name), item in zip(function.parameters, given, strict=True)}
        self._done = Launched()
        self._function = function

    def follow(self) -> Launched:
        """All of its statements. Raises CannotConvert."""
        for words in _statements(self._function.body):
            if self._done.returned:
                raise CannotConvert("HOST_CODE", "statements after the return")
            self._statement(words)
        if not self._done.returned or not self._done.launches:
            raise CannotConvert("NO_LAUNCH", f"{self._function.name} launches nothing, or returns nothing")
        return self._done

    def _statement(self, words: list[str]) -> None:
        if "<<<" in words:
            self._launch(words)
        elif words[0] == "return":
            self._return(words[1:])
        elif words[0] in ("if", "for", "while", "switch", "do", "try", "goto", "{"):
            raise CannotConvert("HOST_CONDITION", f"`{words[0]}` on the host")
        elif _CHECKS.fullmatch(words[0]) or _is_quiet(words):
            self._require_harmless(words)
        elif not _GUARD.match("".join(words[: words.index("(")] if "(" in words else words)) and not self._declared(
            words
        ):
            self._changed(words)

    @staticmethod
    def _require_harmless(words: list[str]) -> None:
        calls = {word for word in words if word.startswith("cuda") and not _CHECKS.fullmatch(word)}
        if calls - {"cudaSuccess", "cudaError_t", "cudaGetErrorString"}:
            raise CannotConvert("HOST_CALL", f"`{sorted(calls)[0]}` is called on the host")

    # `const int a = 1, b = 2;`, `dim3 grid(n, m);`, `auto y = torch::empty_like(x);`
    def _declared(self, words: list[str]) -> bool:
        place = 0
        while words[place] in _QUALIFIERS:
            place += 1
        start = place
        while place + 1 < len(words) and words[place + 1] == "::":
            place += 2
        kind = words[place]
        if kind not in _TYPES and kind not in _MAKES_TENSOR:
            return False
        place += 1
        while words[place] in (*_QUALIFIERS, "&", "long", "int", "unsigned"):
            place += 1
        if start == place or not words[place].isidentifier():
            return False
        for part in _between_commas(words[place:]):
            self._declare(kind, part)
        return True

    def _declare(self, kind: str, part: list[str]) -> None:
        name, rest = part[0], part[1:]
        if not rest:
            raise CannotConvert("HOST_CODE", f"`{name}` without a value")
        if rest[0] == "=":
            value = self._value(rest[1:])
        elif kind == "dim3" and rest[0] in "({":
            value = Blocks([number_of(item) for item in Expressions(rest[1:-1], self._known).all()])
        else:
            value = self._value(rest[1:-1])
        self._keep(name, kind, value)

    def _keep(self, name: str, kind: str, value: Value) -> None:
        if kind == "dim3" and isinstance(value, Number):
            value = Blocks([value])
        if isinstance(value, Number):
            if kind in _WHOLE and value.is_float:
                raise CannotConvert("HOST_CODE", f"a fraction that becomes the {kind} `{name}`")
            if not value.is_atom or "(" in value.text:
                own = self._free(name)
                self._done.symbols[own] = value.text
                value = Number(own, value.is_float or kind in ("float", "double"), is_atom=True)
        if isinstance(value, Tensor) and not value.name:
            value.name = self._free(name)
            self._done.tensors.append(value)
        self._known[name] = value

    # `x = x.contiguous();`, `out.zero_();`
    def _changed(self, words: list[str]) -> None:
        if len(words) > 2 and words[1] == "=" and isinstance(self._known.get(words[0]), Tensor):  # noqa: PLR2004
            self._keep(words[0], "auto", self._value(words[2:]))
            return
        made = self._known.get(words[0])
        if isinstance(made, Tensor) and made in self._done.tensors and not self._done.launches:
            if words[1:] == [".", "zero_", "(", ")"]:
                made.fill = 0.0
                return
            if words[1:4] == [".", "fill_", "("] and _is_number(words[4:-1]):
                made.fill = float("".join(words[4:-1]).rstrip("fF"))
                return
        raise CannotConvert("HOST_CODE", f"`{' '.join(words[:24])}`")

    def _launch(self, words: list[str]) -> None:
        opening, closing = words.index("<<<"), words.index(">>>") if ">>>" in words else -1
        kernel = "".join(words[:opening])
        if "<" in kernel:
            raise CannotConvert("TEMPLATE_KERNEL", f"`{kernel}` is a template")
        kernel = kernel.rpartition("::")[2]
        known = self._source.kernels.get(kernel)
        if known is None or closing < 0 or words[closing + 1] != "(" or words[-1] != ")":
            raise CannotConvert("HOST_CODE", f"`{' '.join(words[:24])}`")
        if known.is_template:
            raise CannotConvert("TEMPLATE_KERNEL", f"`{kernel}` is a template")
        how = Expressions(words[opening + 1 : closing], self._known).all()
        given = Expressions(words[closing + 2 : -1], self._known).all()
        if len(how) < 2 or len(given) != len(known.parameters):  # noqa: PLR2004
            raise CannotConvert("HOST_CODE", f"`{' '.join(words[:24])}`")
        launch = {
            "kernel": kernel,
            "grid": _sizes(how[0]),
            "block": _sizes(how[1]),
            "arguments": [_argument(item, kind) for item, (kind, _) in zip(given, known.parameters, strict=True)],
        }
        if len(how) > 2 and number_of(how[2]).text != "0":  # noqa: PLR2004
            launch["shared_bytes"] = number_of(how[2]).text
        if len(how) > 3 and not isinstance(how[3], Nothing) and number_of(how[3]).text != "0":  # noqa: PLR2004
            raise CannotConvert("HOST_CODE", "a stream of its own")
        self._done.launches.append(launch)

    def _return(self, words: list[str]) -> None:
        items = Expressions(words[1:-1], self._known).all() if words[0] == "{" else [self._value(words)]
        if not all(isinstance(item, Tensor) and item in self._done.tensors for item in items):
            raise CannotConvert("RETURNS_OTHERS", "it returns what it did not allocate")
        self._done.returned = [item for item in items if isinstance(item, Tensor)]

    def _value(self, words: list[str]) -> Value:
        return Expressions(words, self._known).whole()

    def _free(self, name: str) -> str:
        own, number = name, 2
        while own in self._taken:
            own, number = f"{name}_{number}", number + 1
        self._taken.add(own)
        return own


def _argument(item: Value, kind: str) -> str | dict:
    if kind.endswith("*"):
        if not isinstance(item, Address):
            raise CannotConvert("HOST_CODE", f"an argument for `{kind}` that is no address of a tensor")
        if item.tensor.dtype is None:
            raise CannotConvert("UNKNOWN_DTYPE", f"nothing says what {item.tensor.name} holds")
        return item.tensor.name
    if kind not in SCALAR_OF_C:
        raise CannotConvert("UNKNOWN_TYPE", f"a kernel takes a `{kind}`")
    return {"type": SCALAR_OF_C[kind], "value": _plain(number_of(item).text)}


def _sizes(item: Value) -> list[str | int]:
    items = item.items if isinstance(item, Blocks) else [number_of(item)]
    return [_plain(number.text) for number in items]


def _plain(text: str) -> str | int:
    return int(text) if text.isdigit() else text


def _is_number(words: list[str]) -> bool:
    return re.fullmatch(r"-?\d*\.?\d*(e-?\d+)?f?", "".join(words)) is not None and words != []


# `cudaError_t error = cudaGetLastError();` and what is done with it.
def _is_quiet(words: list[str]) -> bool:
    return "cudaError_t" in words and "cudaGetLastError" in words


def _between_commas(words: list[str]) -> list[list[str]]:
    parts, depth = [[]], 0
    for word in words:
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(word, 0)
        if word == "," and depth == 0 and not _is_in_angles(parts[-1]):
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _is_in_angles(words: list[str]) -> bool:
    return False if "=" not in words else words.count("<") > words.count(">") and "static_cast" in words


def _statements(body: list[Token]) -> list[list[str]]:
    statements: list[list[str]] = [[]]
    depth = 0
    for token in body:
        if token.kind == "directive":
            raise CannotConvert("HOST_CONDITION", "a directive inside the launcher")
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(token.text, 0)
        if token.text == ";" and depth == 0:
            statements.append([])
        else:
            statements[-1].append(token.text)
    return [words for words in statements if words]
