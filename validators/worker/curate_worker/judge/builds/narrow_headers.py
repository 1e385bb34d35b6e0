"""
Stands in for PyTorch's full headers where a source uses little of them: the tensor, the operators that the source
names and what a binding needs. g++ reads that in 6 seconds of processor time instead of 17, with nothing made before.

What is in both namespaces, `at` and `torch`, with another meaning is not in a narrow header, so a source that names
such a function has none. Everything else either means what it means with the full headers or does not compile, and
then these are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from torch.utils import cpp_extension

from .headers import EXTENSION, TYPES
from .source_tokens import Token, Unreadable, tokens_of

FOLDER: Final = "narrow"
"""Of the build folder; goes before all others that are searched for headers."""
_CORE: Final = "curate/narrow.h"
NARROW: Final = """#ifndef CURATE_NARROW
#define CURATE_NARROW
#define AT_PER_OPERATOR_HEADERS
#include <torch/csrc/utils/pybind.h>
#include <torch/csrc/Exceptions.h>
#include <ATen/core/Tensor.h>
#include <ATen/TensorOperators.h>
#include <ATen/Dispatch.h>
#include <c10/core/GradMode.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>
namespace torch {
using namespace at;
using std::nullopt;
using std::optional;
using Dtype = at::ScalarType;
constexpr auto kUInt8 = at::kByte;
constexpr auto kInt8 = at::kChar;
constexpr auto kInt16 = at::kShort;
constexpr auto kInt32 = at::kInt;
constexpr auto kInt64 = at::kLong;
constexpr auto kFloat16 = at::kHalf;
constexpr auto kFloat32 = at::kFloat;
constexpr auto kFloat64 = at::kDouble;
}
#endif
"""
_ALL: Final = (EXTENSION, "torch/all.h", "torch/torch.h")
_FULL: Final = (*_ALL, TYPES, "ATen/ATen.h")
_PARALLEL: Final = "ATen/Parallel.h"
_IN_PARALLEL: Final = {"parallel_for", "parallel_reduce"}
# What a macro stands for is read as little as what its condition would be.
_DIRECTIVE: Final = re.compile(r"\s*#\s*(?:(?:include|pragma)\b|(?:define|undef)\b(?!.*\btorch\b))", re.DOTALL)
_WORD: Final = re.compile(r"\w+")
_FACTORY: Final = re.compile(r"^inline at::Tensor (\w+)\(", re.MULTILINE)
# They do what those of `at` do unless they are asked for a gradient.
_ALIKE: Final = {"empty", "empty_like", "zeros", "zeros_like", "ones", "ones_like", "full", "full_like"}
_OTHERWISE: Final = {"requires_grad", "set_requires_grad"}
# Not to be had with few headers: to try would cost, and not gain.
_ABSENT: Final = {"nn", "autograd", "jit", "optim", "data", "fft", "linalg", "special", "indexing"}


def narrow_files(sources: Sequence[str]) -> dict[str, str] | None:
    """
    The files that stand in for full headers, by their paths in the build folder; None where the sources of an extension
    ask for what they would not say alike.
    """
    words: set[str] = set()
    for source in sources:
        try:
            tokens = tokens_of(source)
        except Unreadable:
            return None
        if not _says_alike(tokens):
            return None
        words |= {word for token in tokens if token.kind in ("word", "directive") for word in _WORD.findall(token.text)}
    lines = [f"#include <{_CORE}>", *(f"#include <ATen/ops/{name}.h>" for name in sorted(filter(_is_operator, words)))]
    stand_in = "\n".join(["#pragma once", *lines, ""])
    files = {_CORE: NARROW} | dict.fromkeys(_FULL, stand_in)
    if words & _IN_PARALLEL:
        files |= dict.fromkeys(_ALL, f"{stand_in}#include <{_PARALLEL}>\n")
    return {f"{FOLDER}/{path}": text for path, text in files.items()}


# `torch` stands for nothing but the place of a name that is alike there and in `at`; no macro depends on what was read.
def _says_alike(tokens: list[Token]) -> bool:
    for index, token in enumerate(tokens):
        if token.kind == "directive" and _DIRECTIVE.match(token.text) is None:
            return False
        if token.text in _OTHERWISE or token.text.startswith("TORCH_LIBRARY"):
            return False
        if token.kind == "word" and token.text == "torch":
            behind = [item.text for item in tokens[index + 1 : index + 3]]
            if behind[:1] != ["::"] or set(behind) & (_different() | _ABSENT):
                return False
    return True


@cache
def _different() -> frozenset[str]:
    header = _include_folder() / "torch" / "csrc" / "autograd" / "generated" / "variable_factories.h"
    return frozenset(_FACTORY.findall(header.read_text())) - _ALIKE


def _is_operator(word: str) -> bool:
    return (_include_folder() / "ATen" / "ops" / f"{word}.h").is_file()


@cache
def _include_folder() -> Path:
    return Path(cpp_extension.include_paths("cpu")[0])
