"""
Reads tensors as what lies in memory. A program may give its outputs methods that compute when somebody looks (on a
class, on one object, or for all tensors at once by a mode), which would be after the clock has stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

# Bound before any program is loaded, and of the base class, whose attributes Python cannot replace.
_BASE: Final = torch._C.TensorBase
_as_subclass: Final[Callable] = _BASE.as_subclass
_resolve_conj: Final[Callable] = _BASE.resolve_conj
_resolve_neg: Final[Callable] = _BASE.resolve_neg
_without_function: Final[Callable] = torch._C.DisableTorchFunction
_without_keys: Final[Callable] = torch._C._ExcludeDispatchKeyGuard
_MODES: Final = torch._C.DispatchKeySet(torch._C.DispatchKey.Python).add(torch._C.DispatchKey.PythonTLSSnapshot)
_ORDINARY: Final = (torch.Tensor, torch.nn.Parameter)
_get_layout, _get_device, _get_dtype, _get_shape = (
    getattr(_BASE, name).__get__ for name in ("layout", "device", "dtype", "shape")
)
_get_is_quantized: Final = _BASE.is_quantized.__get__
_stride, _offset, _detach = _BASE.stride, _BASE.storage_offset, _BASE.detach
_as_strided, _view, _numpy, _cpu = _BASE.as_strided, _BASE.view, _BASE.numpy, _BASE.cpu


@dataclass(frozen=True)
class Layout:
    """How a tensor lies in memory."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    device: str
    is_strided: bool


@contextmanager
def reading() -> Iterator[None]:
    """While it is entered, neither classes nor modes of a program take part in what is done with tensors."""
    with _without_function(), _without_keys(_MODES):
        yield


def plain_of(tensor: torch.Tensor) -> tuple[torch.Tensor, bool]:
    """An ordinary tensor in the same memory, without attributes, and whether it was of a class of its own."""
    plain = _as_subclass(tensor, torch.Tensor)
    return _resolve_neg(_resolve_conj(plain)), type(tensor) not in _ORDINARY


def layout_of(tensor: torch.Tensor) -> Layout:
    """How a tensor lies in memory; nothing but strided tensors do."""
    device = _get_device(tensor).type
    is_strided = _get_layout(tensor) == torch.strided and not _get_is_quantized(tensor) and device != "meta"
    strides = tuple(_stride(tensor)) if is_strided else ()
    return Layout(_get_dtype(tensor), tuple(_get_shape(tensor)), strides, device, is_strided)


def bytes_from(tensor: torch.Tensor, span: int) -> torch.Tensor:
    """The bytes from the first to the last of `span` elements, as a tensor in the same memory."""
    return _view(_as_strided(_detach(tensor), (span,), (1,), _offset(tensor)), torch.uint8)


def on_processor(flat: torch.Tensor) -> np.ndarray:
    """Bytes where Python can read them: a copy of those on another device."""
    return _numpy(_cpu(flat))
