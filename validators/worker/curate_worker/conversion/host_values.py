"""What names in a launcher stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass
class Tensor:
    """An input, a parameter, or what is allocated for the call."""

    name: str
    dtype: str | None = None
    """Known once somebody asks for its address by type."""
    shape: str | list[str] | None = None
    """Of what is allocated: expressions, or the name of a tensor of the same shape."""
    fill: float | None = None


@dataclass(frozen=True)
class Number:
    """A number, as an expression of launch plans."""

    text: str
    is_float: bool = False
    is_atom: bool = False

    @property
    def inner(self) -> str:
        """As part of a larger expression."""
        return self.text if self.is_atom else f"({self.text})"


@dataclass(frozen=True)
class Address:
    """Where a tensor's numbers lie."""

    tensor: Tensor


@dataclass(frozen=True)
class Sizes:
    """The shape of a tensor, or one that is written out."""

    of: Tensor | None
    items: list[Number] = field(default_factory=list)


@dataclass(frozen=True)
class Blocks:
    """A `dim3`."""

    items: list[Number]


@dataclass(frozen=True)
class Options:
    """What a tensor is made like."""

    dtype: str | None


@dataclass(frozen=True)
class Nothing:
    """What matters to host code alone, such as the current stream or a device."""


Value = Tensor | Number | Address | Sizes | Blocks | Options | Nothing

DTYPE_OF_C: Final = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "__half": "float16",
    "at::Half": "float16",
    "c10::Half": "float16",
    "__nv_bfloat16": "bfloat16",
    "nv_bfloat16": "bfloat16",
    "at::BFloat16": "bfloat16",
    "c10::BFloat16": "bfloat16",
    "int": "int32",
    "int32_t": "int32",
    "int64_t": "int64",
    "long": "int64",
    "int8_t": "int8",
    "uint8_t": "uint8",
    "bool": "bool",
}
"""Element types by their name in C++."""

SCALAR_OF_C: Final = {
    "int": "int32",
    "int32_t": "int32",
    "unsigned": "uint32",
    "unsigned int": "uint32",
    "uint32_t": "uint32",
    "int64_t": "int64",
    "long": "int64",
    "long long": "int64",
    "size_t": "uint64",
    "std::size_t": "uint64",
    "uint64_t": "uint64",
    "unsigned long long": "uint64",
    "float": "float32",
    "double": "float64",
    "bool": "bool",
}
"""Types of a plan's numbers by their name in C++."""

DTYPE_OF_TORCH: Final = {
    "kFloat": "float32",
    "kFloat32": "float32",
    "kDouble": "float64",
    "kFloat64": "float64",
    "kHalf": "float16",
    "kFloat16": "float16",
    "kBFloat16": "bfloat16",
    "kInt": "int32",
    "kInt32": "int32",
    "kLong": "int64",
    "kInt64": "int64",
    "kBool": "bool",
    "kUInt8": "uint8",
}
"""Dtypes by PyTorch's name of them in C++."""
