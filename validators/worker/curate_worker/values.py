"""Values that cross between processes: JSON for numbers, strings and containers, tensors as raw bytes beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Final

import numpy as np
import torch

from .containers import fields_of, is_plain
from .plain_reading import plain_of, reading
from .tensors import (
    DTYPES,
    Blob,
    Device,
    Malformed,
    NotTransferable,
    TensorDescriptor,
    bytes_of,
    copy_of,
    describe,
    descriptor_of,
    moved,
    name_of,
    stays_on_gpu,
    tensor_of,
)

_MAX_DEPTH: Final = 32
_MAX_TENSORS: Final = 4000

Json = dict | list | str | int | float | bool | None
TensorAt = Callable[[int], object]


@dataclass
class Parcel:
    """A value taken apart: its JSON, and descriptors and bytes of its tensors in the order the JSON refers to them."""

    tree: Json
    tensors: list[TensorDescriptor]
    blobs: list[Blob]
    is_output: bool = False

    def body(self) -> dict:
        """The JSON part as it is sent."""
        return {"tree": self.tree, "tensors": [vars(descriptor) for descriptor in self.tensors]}

    def copy(self) -> Parcel:
        """The same in memory of its own."""
        return replace(self, blobs=[copy_of(blob) for blob in self.blobs])

    @property
    def stays_on_gpu(self) -> bool:
        """Whether any of its tensors crosses between processes on the GPU."""
        return any(stays_on_gpu(descriptor) for descriptor in self.tensors)

    @property
    def num_bytes(self) -> int:
        """Bytes of all tensors together."""
        return sum(blob.nbytes for blob in self.blobs)


def pack(value: object, *, is_output: bool = False) -> Parcel:
    """
    Takes a value apart without running a line of the program that made it. Of the objects of an output, which nobody
    calls, fields are all that counts. Raises NotTransferable naming the type that cannot cross.
    """
    parcel = Parcel(None, [], [], is_output)
    with reading():
        parcel.tree = _pack(value, parcel, 0)
    return parcel


def unpack(parcel: Parcel, device: Device) -> tuple[object, list[torch.Tensor]]:
    """Puts a value together again, its tensors on `device`; also gives the tensors by themselves, in order."""
    pairs = zip(parcel.tensors, parcel.blobs, strict=True)
    tensors = [moved(tensor_of(descriptor, blob), device) for descriptor, blob in pairs]
    return rebuild(parcel.tree, tensors.__getitem__, device), tensors


def parcel_of(body: object, blobs: Sequence[Blob]) -> Parcel:
    """Checks a received parcel: descriptors must describe their blobs exactly, the tree must refer to what is there."""
    if not isinstance(body, dict) or set(body) != {"tree", "tensors"} or not isinstance(body["tensors"], list):
        raise Malformed("not a parcel")
    descriptors = [descriptor_of(item) for item in body["tensors"]]
    if [descriptor.num_bytes for descriptor in descriptors] != [blob.nbytes for blob in blobs]:
        raise Malformed("tensors that do not fit their bytes")
    try:
        rebuild(body["tree"], _check_index(len(descriptors)), "cpu")
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed("a value that cannot be put together") from error
    return Parcel(body["tree"], descriptors, list(blobs))


def rebuild(tree: Json, tensor_at: TensorAt, device: Device, depth: int = 0) -> object:
    """The value that a tree describes. Raises Malformed for what `pack` never makes."""
    if depth > _MAX_DEPTH:
        raise Malformed("nested too deeply")
    if tree is None or isinstance(tree, (bool, str, int, float)):
        return tree
    if isinstance(tree, list):
        return [rebuild(item, tensor_at, device, depth + 1) for item in tree]
    if set(tree) != {"$", "v"} or not isinstance(tree["$"], str) or tree["$"] not in _REBUILDERS:
        raise Malformed("an unknown kind of value")
    return _REBUILDERS[tree["$"]](tree["v"], tensor_at, device, depth + 1)


def _pack(value: object, parcel: Parcel, depth: int) -> Json:
    if depth > _MAX_DEPTH or len(parcel.tensors) > _MAX_TENSORS:
        raise NotTransferable("a value nested too deeply or with too many tensors")
    if value is None or type(value) in (bool, str):
        return value
    # Not by `isinstance`, which asks the object what it is.
    for kinds, pack_one in _PACKERS:
        if issubclass(type(value), kinds):
            return pack_one(value, parcel, depth + 1)
    fields = fields_of(value)
    if fields is not None and (parcel.is_output or is_plain(value)):
        return {"$": "fields", "v": [_pack_items(pair, parcel, depth + 1) for pair in fields]}
    raise NotTransferable(f"a value of type {type(value).__module__}.{type(value).__qualname__}")


def _pack_tensor(tensor: torch.Tensor, parcel: Parcel) -> Json:
    try:
        plain, is_subclass = plain_of(tensor)
    except RuntimeError as error:
        raise NotTransferable(f"a tensor that has no memory of its own: {error}") from error
    descriptor = replace(describe(plain), is_subclass=is_subclass)
    parcel.tensors.append(descriptor)
    parcel.blobs.append(bytes_of(plain, descriptor.span))
    return {"$": "tensor", "v": len(parcel.tensors) - 1}


def _pack_number(value: complex) -> Json:
    if isinstance(value, complex):
        return {"$": "complex", "v": [_pack_number(value.real), _pack_number(value.imag)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": "float", "v": str(value)}
    return value


def _pack_items(items: Iterable, parcel: Parcel, depth: int) -> list:
    return [_pack(item, parcel, depth) for item in items]


# By the methods of the built-in types: a class of a program's own could compute in its own ones.
_PACKERS: Final[list[tuple[type, Callable[..., Json]]]] = [
    (torch.Tensor, lambda value, parcel, _depth: _pack_tensor(value, parcel)),
    (str, lambda value, _parcel, _depth: str.__str__(value)),
    (np.generic, lambda value, _parcel, _depth: _pack_number(np.generic.item(value))),
    (int, lambda value, _parcel, _depth: int.__int__(value)),
    (float, lambda value, _parcel, _depth: _pack_number(float.__float__(value))),
    (complex, lambda value, _parcel, _depth: _pack_number(complex.__pos__(value))),
    (torch.dtype, lambda value, _parcel, _depth: {"$": "dtype", "v": name_of(value)}),
    (torch.device, lambda value, _parcel, _depth: {"$": "device", "v": value.type}),
    (list, lambda value, parcel, depth: _pack_items(list.__iter__(value), parcel, depth)),
    (tuple, lambda value, parcel, depth: {"$": "tuple", "v": _pack_items(tuple.__iter__(value), parcel, depth)}),
    (
        dict,
        lambda value, parcel, depth: {
            "$": "dict",
            "v": [_pack_items(pair, parcel, depth) for pair in dict.items(value)],
        },
    ),
]


def _check_index(count: int) -> TensorAt:
    def check(index: object) -> None:
        if type(index) is not int or not 0 <= index < count:
            raise Malformed("a reference to a tensor that is not there")

    return check


def _rebuild_items(items: object, tensor_at: TensorAt, device: Device, depth: int) -> list:
    if not isinstance(items, list):
        raise Malformed("a container without items")
    return [rebuild(item, tensor_at, device, depth) for item in items]


def _rebuild_dict(pairs: object, tensor_at: TensorAt, device: Device, depth: int) -> dict:
    return dict(_rebuild_items(pairs, tensor_at, device, depth))


def _rebuild_fields(pairs: object, tensor_at: TensorAt, device: Device, depth: int) -> SimpleNamespace:
    return SimpleNamespace(**_rebuild_dict(pairs, tensor_at, device, depth))


def _rebuild_complex(parts: object, tensor_at: TensorAt, device: Device, depth: int) -> complex:
    real, imaginary = _rebuild_items(parts, tensor_at, device, depth)
    return complex(real, imaginary)


def _rebuild_float(text: object) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise Malformed("an unknown number")
    return float(str(text))


def _rebuild_dtype(name: object) -> torch.dtype:
    if not isinstance(name, str) or name not in DTYPES:
        raise Malformed("an unknown dtype")
    return DTYPES[name]


_REBUILDERS: Final[dict[str, Callable[..., object]]] = {
    "tensor": lambda index, tensor_at, _device, _depth: tensor_at(index),
    "tuple": lambda items, tensor_at, device, depth: tuple(_rebuild_items(items, tensor_at, device, depth)),
    "dict": _rebuild_dict,
    "fields": _rebuild_fields,
    "complex": _rebuild_complex,
    "float": lambda text, _tensor_at, _device, _depth: _rebuild_float(text),
    "dtype": lambda name, _tensor_at, _device, _depth: _rebuild_dtype(name),
    "device": lambda _name, _tensor_at, device, _depth: torch.device(device),
}


def joined(parcels: Sequence[Parcel]) -> tuple[list[dict], list[Blob]]:
    """Several values as one message: their bodies, and the bytes of all."""
    return [parcel.body() for parcel in parcels], [blob for parcel in parcels for blob in parcel.blobs]


def parted(bodies: object, blobs: Sequence[Blob]) -> list[Parcel]:
    """Checks several values that came as one message."""
    if not isinstance(bodies, list) or not all(isinstance(body, dict) for body in bodies):
        raise Malformed("not a list of parcels")
    counts = [len(body["tensors"]) if isinstance(body.get("tensors"), list) else 0 for body in bodies]
    if sum(counts) != len(blobs):
        raise Malformed("parcels that do not fit their bytes")
    starts = [sum(counts[:index]) for index in range(len(counts))]
    pairs = zip(bodies, starts, counts, strict=True)
    return [parcel_of(body, blobs[start : start + count]) for body, start, count in pairs]
