"""Tensors as bytes: a descriptor and the span of storage that it touches, so that its layout crosses unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from .plain_reading import bytes_from, layout_of, on_processor

_DTYPE_NAMES: Final = [
    *(
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "float8_e4m3fn",
        "float8_e5m2",
        "float8_e4m3fnuz",
        "float8_e5m2fnuz",
    ),
    *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool", "complex128", "complex64"),
]
DTYPES: Final = {name: getattr(torch, name) for name in _DTYPE_NAMES if hasattr(torch, name)}
_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}
_MAX_DIMENSIONS: Final = 64
_MAX_SIZE: Final = 1 << 48
# A page, so that alignment stays as it was.
_BAND: Final = 4096
_PATTERN: Final = b"\xff" * _BAND

Device = torch.device | str
Blob = memoryview | torch.Tensor
"""Bytes of a tensor: on the processor, or on the GPU as a tensor of bytes."""


class NotTransferable(Exception):  # noqa: N818
    """A value that is neither a tensor nor something JSON can say."""


class Malformed(Exception):  # noqa: N818
    """A description of a value that no honest process sends."""


@dataclass(frozen=True)
class TensorDescriptor:
    """How the bytes of one blob are to be read, and what the tensor was on the other side."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    device: str
    is_subclass: bool
    """Whether it was an object of a program's own class, which may compute its values whenever it likes."""

    @property
    def span(self) -> int:
        """Elements from the first to the last one that the tensor touches."""
        if 0 in self.shape:
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))

    @property
    def num_bytes(self) -> int:
        """Length of the blob."""
        return self.span * DTYPES[self.dtype].itemsize


def describe(tensor: torch.Tensor) -> TensorDescriptor:
    """The descriptor of a tensor. Raises NotTransferable for sparse, quantised and meta tensors."""
    found = layout_of(tensor)
    if not found.is_strided:
        raise NotTransferable(f"a sparse, quantised or empty-handed tensor on {found.device}")
    return TensorDescriptor(
        dtype=name_of(found.dtype),
        shape=found.shape,
        strides=found.strides,
        device=found.device,
        is_subclass=False,
    )


@dataclass
class _Keeping:
    on_gpu: bool = False


_keeping = _Keeping()


def keep_on_gpu() -> None:
    """Says that judge and runner hand over bytes that lie on the GPU: `bytes_of` leaves them there."""
    _keeping.on_gpu = True


def stays_on_gpu(descriptor: TensorDescriptor) -> bool:
    """Whether the bytes of a tensor cross without passing the processor."""
    return _keeping.on_gpu and descriptor.device != "cpu"


def bytes_of(tensor: torch.Tensor, span: int) -> Blob:
    """
    The bytes that a tensor touches. On the processor a copy: what happens to it later changes nothing of what was said
    about it. Those that stay on the GPU are to be sent at once; tensors of gigabytes leave no room for copies.
    """
    if span == 0:
        return memoryview(b"")
    flat = bytes_from(tensor, span)
    if layout_of(tensor).device != "cpu":
        return flat if _keeping.on_gpu else memoryview(on_processor(flat))
    # Copied by one thread: PyTorch would wake its others for it, which may take longer than the call that is timed.
    return memoryview(on_processor(flat).copy())


def tensor_of(descriptor: TensorDescriptor, blob: Blob) -> torch.Tensor:
    """The tensor that lies in a blob; shares its memory."""
    dtype = DTYPES[descriptor.dtype]
    if blob.nbytes == 0:
        return torch.empty_strided(descriptor.shape, descriptor.strides, dtype=dtype)
    return as_bytes(blob).view(dtype).as_strided(descriptor.shape, descriptor.strides)


def as_bytes(blob: Blob) -> torch.Tensor:
    """A blob that is not empty as a tensor of bytes; shares its memory."""
    return blob if isinstance(blob, torch.Tensor) else torch.frombuffer(blob, dtype=torch.uint8)


def same_bytes(first: Blob, second: Blob) -> bool:
    """Whether two blobs hold the same."""
    if isinstance(first, memoryview) and isinstance(second, memoryview):
        return first == second
    if 0 in (first.nbytes, second.nbytes):
        return first.nbytes == second.nbytes
    mine = as_bytes(first)
    return torch.equal(mine, as_bytes(second).to(mine.device))


def moved(tensor: torch.Tensor, device: Device) -> torch.Tensor:
    """The tensor on a device with its layout unchanged, which `to` keeps only for dense ones."""
    if torch.device(device).type in ("cpu", tensor.device.type) or tensor.numel() == 0:
        return tensor.to(device)
    flat = tensor.as_strided((tensor.untyped_storage().nbytes() // tensor.itemsize,), (1,), 0)
    return flat.to(device).as_strided(tensor.shape, tensor.stride())


def room_for(num_bytes: int) -> memoryview:
    """Memory for a blob, aligned as PyTorch aligns tensors: vectorised kernels rely on it."""
    return memoryview(torch.empty(num_bytes, dtype=torch.uint8).numpy())


def copy_of(blob: Blob) -> Blob:
    """The same bytes elsewhere."""
    if isinstance(blob, torch.Tensor):
        return blob.clone()
    room = room_for(blob.nbytes)
    room[:] = blob
    return room


def banded_room(num_bytes: int, device: Device) -> torch.Tensor:
    """Memory for a blob on a GPU that lies between two bands, as `Guarded` wants it; whoever asks for it fills it."""
    return banded(torch.empty(with_bands(num_bytes), dtype=torch.uint8, device=device))


def banded(memory: torch.Tensor) -> torch.Tensor:
    """What lies between the ends of memory, which become bands."""
    for band in (memory[:_BAND], memory[-_BAND:]):
        band.fill_(_PATTERN[0])
    return inside_bands(memory)


def inside_bands(memory: torch.Tensor) -> torch.Tensor:
    """What lies between the ends of memory, of which these are bands, or shall be."""
    return memory[_BAND:-_BAND]


def with_bands(num_bytes: int) -> int:
    """How much memory a blob takes with a band at either end."""
    return num_bytes + 2 * _BAND


class Guarded:
    """
    Bytes between two bands of a pattern that is NaN as any floating-point number and -1 as an integer: a copy, but for
    those in memory from `banded_room`, which are taken over.
    """

    def __init__(self, blob: Blob) -> None:
        self._is_on_gpu = isinstance(blob, torch.Tensor)
        if isinstance(blob, torch.Tensor):
            self.blob: Blob = blob if _has_bands(blob) else banded_room(blob.nbytes, blob.device)
            if self.blob is not blob:
                self.blob.copy_(blob)
            self._memory: Blob = self.blob.as_strided((blob.nbytes + 2 * _BAND,), (1,), 0)
            return
        self._memory = room_for(blob.nbytes + 2 * _BAND)
        self.blob = self._memory[_BAND : _BAND + blob.nbytes]
        self.blob[:] = blob
        for band in self._bands():
            band[:] = _PATTERN

    def is_intact(self) -> bool:
        """Whether nobody wrote beyond either end."""
        if self._is_on_gpu:
            return all(bool((band == _PATTERN[0]).all()) for band in self._bands())
        return all(band == _PATTERN for band in self._bands())

    def _bands(self) -> list[Blob]:
        return [self._memory[:_BAND], self._memory[_BAND + self.blob.nbytes :]]


def _has_bands(blob: torch.Tensor) -> bool:
    return blob.storage_offset() == _BAND and blob.untyped_storage().nbytes() == blob.nbytes + 2 * _BAND


def has_fraction(dtype: torch.dtype) -> bool:
    """Whether numbers of a dtype have a fraction, and PyTorch computes with them: those of a byte it only converts."""
    return dtype.is_floating_point and dtype.itemsize > 1


def name_of(dtype: torch.dtype) -> str:
    """`torch.float16` as `float16`. Raises NotTransferable for dtypes that are not sent."""
    if dtype not in _NAMES:
        raise NotTransferable(f"a value of dtype {dtype}")
    return _NAMES[dtype]


def descriptor_of(item: object) -> TensorDescriptor:
    """Checks a received descriptor completely."""
    if not isinstance(item, dict) or set(item) != {"dtype", "shape", "strides", "device", "is_subclass"}:
        raise Malformed("not a tensor descriptor")
    shape, strides = item["shape"], item["strides"]
    if not _are_sizes(shape) or not _are_sizes(strides) or len(shape) != len(strides):
        raise Malformed("a tensor descriptor with impossible sizes")
    if not isinstance(item["dtype"], str) or item["dtype"] not in DTYPES:
        raise Malformed("a tensor descriptor with an unknown dtype")
    if not isinstance(item["device"], str) or not isinstance(item["is_subclass"], bool):
        raise Malformed("a tensor descriptor with wrong types")
    return TensorDescriptor(item["dtype"], tuple(shape), tuple(strides), item["device"], item["is_subclass"])


def _are_sizes(items: object) -> bool:
    return (
        isinstance(items, list)
        and len(items) <= _MAX_DIMENSIONS
        and all(type(item) is int and 0 <= item < _MAX_SIZE for item in items)
    )
