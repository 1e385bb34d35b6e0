"""
Splits a CUDA source into a host part for g++ and a device part for nvcc. PyTorch's headers are only needed by the
first, where they can be precompiled, and nvcc takes a minute to read them. Both parts keep the lines of the original.

The split changes no meaning: a launch is rewritten into the two calls that nvcc itself makes of it
(`__cudaPushCallConfiguration`, then the kernel's host function, which nvcc generates with the kernel's own signature),
and whatever is not understood raises NotSplittable, so that the source is compiled as PyTorch would.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .kernel_launches import declare_kernel, kernel_name, rewrite_launches
from .source_edits import Edits, NotSplittable, Source
from .source_tokens import Token, Unreadable, partners, tokens_of

# What nvcc declares in front of every source (crt/host_runtime.h).
_PUSH = (
    'extern "C" unsigned __cudaPushCallConfiguration('
    "dim3 gridDim, dim3 blockDim, size_t sharedMem = 0, struct CUstream_st* stream = 0);"
)
_ON_DEVICE = {"__device__", "__constant__", "__managed__"}
_TYPES = {"struct", "class", "union", "enum", "typedef", "using", "static_assert"}
_PYTORCH_WORDS = {"torch", "at", "c10", "pybind11", "py", "Tensor", "TensorOptions"}
# The two compilations would see different values of them.
_TELLTALES = {"__CUDACC__", "__NVCC__", "__CUDA_ARCH__", "__CUDA_ARCH_LIST__", "__CUDACC_VER_MAJOR__", "__COUNTER__"}
_INCLUDE = re.compile(r"\s*#\s*include\s*[<\"]([^>\"]+)[>\"]")
_DEFINE = re.compile(r"\s*#\s*(?:define|undef|pragma)\b")
_CONDITION = re.compile(r"\s*#\s*(?:if|ifdef|ifndef|elif|else|endif)\b")
_PYTORCH_HEADER = re.compile(r"(?:torch|ATen|c10|pybind11|caffe2)/|Python\.h$")
_DEVICE_WORDS = {"cooperative_groups", "cg", "cub", "thrust", "nvcuda", "wmma", "cute", "cutlass"}
# Macros that have the same value whether PyTorch's headers were read or not.
_KNOWN_MACROS = {"defined", "__CUDA_ARCH__", "__CUDACC__", "CUDART_VERSION", "CUDA_VERSION", "__CUDACC_VER_MAJOR__"}
_DEVICE_HEADER = re.compile(
    r"(?:cub|thrust|cuda|cute|cutlass|nv)/|cooperative_groups|mma\.h$|curand_\w*kernel|device_functions"
)
# What PyTorch's full headers bring, for device code that relies on that. Nothing that they do not: what does not
# compile with them shall not compile without them.
_FULL_HEADERS = {"torch/extension.h", "torch/types.h", "torch/torch.h", "torch/all.h", "ATen/ATen.h"}
BROUGHT_BY_PYTORCH = [
    *("cmath", "cstdint", "cstdlib", "cstddef", "cstdio", "cstring", "cassert", "climits"),
    *("limits", "algorithm", "utility", "type_traits"),
]
# Where `AT_DISPATCH_…_AND_HALF` and the like instantiate kernels with PyTorch's 16-bit types.
_HALF_WORD = re.compile(r"AND_HALF|AND2$|AND3$|ALL_TYPES_AND|BFLOAT16|^Half$|^BFloat16$")
_FOR_HALVES = ["#include <c10/util/Half.h>", "#include <c10/util/BFloat16.h>", "namespace at { using namespace c10; }"]


@dataclass(frozen=True)
class Split:
    """The two parts of a source."""

    host: str
    device: str
    kernel_templates: list[str]
    """Names of the kernels that the host part instantiates."""


def split_source(text: str, name: str) -> Split:
    """Splits a source. Raises NotSplittable."""
    if len(text) > _MAX_CHARACTERS:
        raise NotSplittable("a source of more characters than people write")
    try:
        splitter = _Splitter(text)
        splitter.walk(0, len(splitter.tokens))
        host, device = splitter.host.apply(), splitter.device.apply()
    except Unreadable as error:
        raise NotSplittable(str(error)) from error
    except (LookupError, RecursionError) as error:
        raise NotSplittable("a source that cannot be read") from error
    if not splitter.kernels:
        raise NotSplittable("no kernel")
    line = f'#line 1 "{name}"\n'
    halves = any(_HALF_WORD.search(token.text) for token in splitter.tokens if token.kind == "word")
    brought = BROUGHT_BY_PYTORCH if splitter.has_full_header else []
    prelude = [f"#include <{header}>" for header in brought] + (_FOR_HALVES if halves and brought else [])
    return Split(
        host="\n".join(["#include <cuda_runtime.h>", _PUSH, line + host, ""]),
        device="\n".join([*prelude, line + device, ""]),
        kernel_templates=sorted(splitter.templates),
    )


_MAX_CHARACTERS = 200_000


class _Splitter:
    """One walk over the declarations of a source."""

    def __init__(self, text: str) -> None:
        self.tokens = tokens_of(text)
        self.host, self.device = Edits(text), Edits(text)
        self.has_full_header = False
        self.kernels: set[str] = set()
        self.templates: set[str] = set()
        self._pairs = partners(self.tokens)
        self._source = Source(text, self.tokens, self._pairs)
        self._own_macros = {found.group(1) for found in re.finditer(r"#\s*define\s+(\w+)", text)}

    def walk(self, index: int, end: int) -> None:
        """Decides for each declaration which part it belongs to."""
        while index < end:
            token = self.tokens[index]
            if token.kind == "directive":
                self._directive(token)
                index += 1
            elif token.text == ";":
                index += 1
            elif (body := self._open_scope(index)) is not None:
                self.walk(body + 1, self._pairs[body])
                index = self._pairs[body] + 1
            else:
                last = self._last_of(index, end)
                self._declaration(index, last)
                index = last + 1

    def _directive(self, token: Token) -> None:
        include = _INCLUDE.match(token.text)
        if include is not None:
            header = include.group(1)
            if '"' in token.text and _PYTORCH_HEADER.match(header) is None:
                raise NotSplittable("a header of its own")
            if _PYTORCH_HEADER.match(header):
                self.has_full_header = self.has_full_header or header in _FULL_HEADERS
                self.device.cut(token.start, token.end)
            elif _DEVICE_HEADER.match(header):
                self.host.cut(token.start, token.end)
        elif _DEFINE.match(token.text) is None:
            raise NotSplittable("conditions of the preprocessor")
        elif re.search(r"<<<|__global__|__device__|__host__", token.text):
            raise NotSplittable("a macro with kernels in it")

    # A namespace or a linkage block: its braces stay in both parts.
    def _open_scope(self, index: int) -> int | None:
        words = self.tokens[index : index + 16]
        if words[0].text == "inline" and len(words) > 1 and words[1].text == "namespace":
            words = words[1:]
            index += 1
        if words[0].text == "extern" and len(words) > 2 and words[1].kind == "string" and words[2].text == "{":  # noqa: PLR2004
            return index + 2
        if words[0].text != "namespace":
            return None
        for offset, token in enumerate(words[1:], 1):
            if token.text == "{":
                if offset == 1:
                    self._name_unnamed(words[0], token)
                return index + offset
            if token.kind != "word" and token.text != "::":
                return None
        return None

    # By its definition ([namespace.unnamed] of the standard), but with a name that both parts can know.
    def _name_unnamed(self, keyword: Token, brace: Token) -> None:
        name = "curate_unnamed"
        for edits in (self.host, self.device):
            edits.cut(keyword.start, brace.end, f"namespace {name} {{}} using namespace {name}; namespace {name} {{")

    def _last_of(self, index: int, end: int) -> int:
        is_type = self._head_word(index) in _TYPES
        is_value = False
        index = self._past_templates(index)
        while index < end:
            token = self.tokens[index]
            if token.kind == "directive":
                raise NotSplittable("a directive inside a declaration")
            if token.text == ";":
                return index
            is_value = is_value or token.text == "="
            if token.text == "{" and not is_type and not is_value:
                return self._pairs[index]
            index = self._pairs.get(index, index) + 1
        raise NotSplittable("a declaration that does not end")

    def _head_word(self, index: int) -> str:
        return self.tokens[self._past_templates(index)].text

    def _past_templates(self, index: int) -> int:
        while self.tokens[index].text == "template":
            index = self._past_angles(index + 1)
        return index

    def _past_angles(self, index: int) -> int:
        if self.tokens[index].text != "<":
            return index
        depth = 0
        while index < len(self.tokens):
            text = self.tokens[index].text
            depth += {"<": 1, ">": -1, ">>": -2, ">>>": -3}.get(text, 0)
            index = self._pairs.get(index, index) + 1
            if depth <= 0 and index < len(self.tokens):
                return index
        raise NotSplittable("a template that cannot be read")

    def _declaration(self, first: int, last: int) -> None:
        words = {token.text for token in self.tokens[first : last + 1]}
        head = self._head(first, last)
        names = {token.text for token in head}
        start, end = self.tokens[first].start, self.tokens[last].end
        if "__global__" in names:
            self._kernel(first, last, head)
            return
        if names & _ON_DEVICE and "__host__" not in names:
            self._check_conditions(first, last)
            self.host.cut(start, end)
            return
        if words & _TELLTALES:
            raise NotSplittable("host code that asks which compiler reads it")
        if self._head_word(first) in ("using", "namespace") and words & _DEVICE_WORDS:
            self.host.cut(start, end)
        elif self._is_shared(first, names):
            self._check_conditions(first, last)
            if words & _PYTORCH_WORDS:
                self.device.cut(start, end)
        else:
            self._host_only(first, last, words)

    def _is_shared(self, first: int, names: set[str]) -> bool:
        is_value = bool(names & {"const", "constexpr"}) and "(" not in names
        is_on_both = bool(names & _ON_DEVICE) or "constexpr" in names
        return self._head_word(first) in _TYPES or is_value or is_on_both

    def _host_only(self, first: int, last: int, words: set[str]) -> None:
        if words & (_ON_DEVICE | {"__shared__"}):
            raise NotSplittable("device code inside host code")
        if any(token.kind == "directive" for token in self.tokens[first : last + 1]):
            raise NotSplittable("a directive inside host code")
        self.device.cut(self.tokens[first].start, self.tokens[last].end)
        rewrite_launches(self._source, self.host, first, last)

    # Of a function, what stands before its body.
    def _head(self, first: int, last: int) -> list[Token]:
        body = self._past_templates(first)
        head = self.tokens[first:body]
        while body <= last and self.tokens[body].text not in ("{", "="):
            head.append(self.tokens[body])
            body = self._pairs.get(body, body) + 1
        return head

    # PyTorch's headers define macros, of which the device part knows nothing.
    def _check_conditions(self, first: int, last: int) -> None:
        for token in self.tokens[first : last + 1]:
            if token.kind == "directive" and _CONDITION.match(token.text):
                words = set(re.findall(r"[A-Za-z_]\w*", token.text.partition("#")[2])[1:])
                if words - _KNOWN_MACROS - self._own_macros:
                    raise NotSplittable("a condition about macros that it does not define")

    def _kernel(self, first: int, last: int, head: list[Token]) -> None:
        self._check_conditions(first, last)
        is_template = head[0].text == "template"
        if is_template and head[1].text != "<":
            # An explicit instantiation, which the host part only uses.
            self.host.cut(self.tokens[first].start, self.tokens[last].end)
            return
        name = kernel_name(head)
        self.kernels.add(name)
        if is_template:
            self.templates.add(name)
        declare_kernel(self._source, self.host, self.device, first, last)
