"""
Triton's interpreter keeps bfloat16 as 16-bit integers, which most of its operators then compute with: an addition adds
bit patterns. Here they compute in float32 and round the result, as a GPU does.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Final

import numpy as np
import torch

# Operators of its builder that read numbers; those that only move them are right as they are.
_OPERATORS: Final = ("binary_op", "unary_op", "create_fma", "create_clampf")


def install(interpreter: ModuleType, language: ModuleType) -> None:
    """Mends the interpreter; parts that another version of it does not have are left out."""
    mended = _Mended(interpreter, language)
    builder = type(interpreter.interpreter_builder)
    for name in _OPERATORS:
        if hasattr(builder, name):
            setattr(builder, name, mended.operator(getattr(builder, name)))
    builder.create_dot = mended.dot(builder.create_dot)
    if hasattr(builder, "cast_impl"):
        builder.cast_impl = mended.cast(builder.cast_impl)
    for name in ("ReduceOps", "ScanOps"):
        if hasattr(interpreter, name):
            kind = getattr(interpreter, name)
            kind.apply = mended.reduction(kind.apply)


class _Mended:
    def __init__(self, interpreter: ModuleType, language: ModuleType) -> None:
        self._handle = interpreter.TensorHandle
        self._language = language
        self._half = language.bfloat16

    def operator(self, original: Callable) -> Callable:
        """An operator whose result is of the type of its operands."""

        def call(builder: object, *operands: object) -> object:
            if not any(self._is_half(item) for item in operands):
                return original(builder, *operands)
            result = original(builder, *(self._widened(item) for item in operands))
            # What a comparison gives is no number.
            return result if result.data.dtype == np.bool_ else self._narrowed(result)

        return call

    def dot(self, original: Callable) -> Callable:
        """Products of bfloat16 are exact in float32, which they are added up in."""

        def call(builder: object, a: object, b: object, *others: object) -> object:
            return original(builder, self._widened(a), self._widened(b), *others)

        return call

    def cast(self, original: Callable) -> Callable:
        """Conversion from and to types that the interpreter does not convert bfloat16 from and to."""

        def call(builder: object, source: object, kind: object) -> object:
            if kind.scalar == self._half and not self._is_half(source):
                return self._narrowed(original(builder, source, self._language.float32))
            return original(builder, self._widened(source) if kind.scalar != self._half else source, kind)

        return call

    def reduction(self, original: Callable) -> Callable:
        """Reductions and scans, whose operands are tensors with a handle each."""

        def call(reduction: object, given: object) -> object:
            tensors = given if isinstance(given, tuple) else (given,)
            halves = [self._is_half(tensor.handle) for tensor in tensors]
            if not any(halves):
                return original(reduction, given)
            results = original(reduction, tuple(self._wide_tensor(tensor) for tensor in tensors))
            narrowed = tuple(
                self._half_tensor(result) if half and result.dtype == self._language.float32 else result
                for result, half in zip(results, halves, strict=False)
            )
            return narrowed if isinstance(given, tuple) else narrowed[0]

        return call

    def _is_half(self, item: object) -> bool:
        return isinstance(item, self._handle) and item.dtype.scalar == self._half and item.data.dtype == np.uint16

    def _widened(self, item: object) -> object:
        if not self._is_half(item):
            return item
        return self._handle((item.data.astype(np.uint32) << 16).view(np.float32), self._language.float32)

    def _narrowed(self, item: object) -> object:
        values = torch.from_numpy(np.ascontiguousarray(item.data, dtype=np.float32)).to(torch.bfloat16)
        return self._handle(values.view(torch.uint16).numpy().reshape(item.data.shape), self._half)

    def _wide_tensor(self, tensor: object) -> object:
        return self._language.tensor(self._widened(tensor.handle), self._of_kind(tensor, self._language.float32))

    def _half_tensor(self, tensor: object) -> object:
        return self._language.tensor(self._narrowed(tensor.handle), self._of_kind(tensor, self._half))

    def _of_kind(self, tensor: object, kind: object) -> object:
        return self._language.block_type(kind, list(tensor.shape)) if tensor.type.is_block() else kind
