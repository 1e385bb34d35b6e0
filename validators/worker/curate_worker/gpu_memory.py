"""
GPU memory that two processes see: allocated by one, handed to the other as a file descriptor. Unlike CUDA's older IPC
handles, which name a process, a descriptor works across namespaces.
Virtual memory management: https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__VA.html
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable

import torch

_PINNED = _POSIX_FILE_DESCRIPTOR = _ON_DEVICE = 1
_READ_WRITE = 3
_DEVICE_NUMBER = 0


class _Location(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("id", ctypes.c_int))


class _AllocationProperties(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("handle_types", ctypes.c_int),
        ("location", _Location),
        ("windows_data", ctypes.c_void_p),
        ("flags", ctypes.c_ubyte * 8),
    )


class _Access(ctypes.Structure):
    _fields_ = (("location", _Location), ("flags", ctypes.c_int))


class GpuMemory:
    """A mapped piece of GPU memory; `bytes` is a tensor of its bytes, valid until `close`."""

    def __init__(self, handle: ctypes.c_ulonglong, num_bytes: int) -> None:
        self._handle = handle
        self._num_bytes = num_bytes
        self._address = ctypes.c_ulonglong()
        try:
            self._map()
        except OSError:
            # Others may have room for it.
            self._unmap()
            raise
        self.bytes: torch.Tensor = torch.as_tensor(_ArrayInterface(self._address.value, num_bytes), device="cuda")

    @classmethod
    def allocate(cls, num_bytes: int) -> GpuMemory:
        """New memory, zeroed; whole pages. Raises OSError where the driver cannot give it."""
        driver = _driver()
        properties = _AllocationProperties(_PINNED, _POSIX_FILE_DESCRIPTOR, _Location(_ON_DEVICE, _DEVICE_NUMBER))
        page = ctypes.c_size_t()
        _check(driver.cuMemGetAllocationGranularity(ctypes.byref(page), ctypes.byref(properties), ctypes.c_int(0)))
        size = -(-num_bytes // page.value) * page.value
        handle = ctypes.c_ulonglong()
        _check(driver.cuMemCreate(ctypes.byref(handle), _size(size), ctypes.byref(properties), _wide(0)))
        memory = cls(handle, size)
        memory.bytes.zero_()
        return memory

    @classmethod
    def of_descriptor(cls, descriptor: int, num_bytes: int) -> GpuMemory:
        """The memory that another process exported. Raises OSError."""
        driver = _driver()
        handle = ctypes.c_ulonglong()
        given = ctypes.c_void_p(descriptor)
        _check(driver.cuMemImportFromShareableHandle(ctypes.byref(handle), given, ctypes.c_int(_POSIX_FILE_DESCRIPTOR)))
        return cls(handle, num_bytes)

    def export(self) -> int:
        """A descriptor that stands for it; the caller closes it."""
        descriptor = ctypes.c_int(-1)
        kind = ctypes.c_int(_POSIX_FILE_DESCRIPTOR)
        _check(_driver().cuMemExportToShareableHandle(ctypes.byref(descriptor), self._handle, kind, _wide(0)))
        os.set_inheritable(descriptor.value, False)
        return descriptor.value

    def loan(self, num_bytes: int, returned: Callable[[], None]) -> torch.Tensor:
        """
        Its first bytes in a storage of their own; `returned` is called when nothing refers to that any more, be it a
        view or a gradient's memory of one.
        """
        # PyTorch keeps the object as long as the storage that it makes of it.
        owner = _ArrayInterface(self._address.value, num_bytes)
        weakref.finalize(owner, returned).atexit = False
        return torch.as_tensor(owner, device="cuda")

    def close(self) -> None:
        """Unmaps it. The memory is free when the other process has ended or done so too."""
        torch.cuda.synchronize()
        for result in self._unmap():
            _check(result)

    def _map(self) -> None:
        driver, size = _driver(), _size(self._num_bytes)
        _check(driver.cuMemAddressReserve(ctypes.byref(self._address), size, _size(0), _wide(0), _wide(0)))
        _check(driver.cuMemMap(self._address, size, _size(0), self._handle, _wide(0)))
        access = _Access(_Location(_ON_DEVICE, _DEVICE_NUMBER), _READ_WRITE)
        _check(driver.cuMemSetAccess(self._address, size, ctypes.byref(access), _size(1)))

    def _unmap(self) -> list[int]:
        driver, size = _driver(), _size(self._num_bytes)
        return [
            driver.cuMemUnmap(self._address, size),
            driver.cuMemAddressFree(self._address, size),
            driver.cuMemRelease(self._handle),
        ]


class _ArrayInterface:
    """Version 3 of https://numba.readthedocs.io/en/stable/cuda/cuda_array_interface.html"""

    def __init__(self, address: int, num_bytes: int) -> None:
        self.__cuda_array_interface__ = {
            "shape": (num_bytes,),
            "typestr": "|u1",
            "data": (address, False),
            "version": 3,
            "strides": None,
        }


# PyTorch makes the context that belongs to this thread; the driver's own functions work in it.
def _driver() -> ctypes.CDLL:
    torch.cuda.current_stream().synchronize()
    return ctypes.CDLL("libcuda.so.1")


def _check(result: int) -> None:
    if result != 0:
        raise OSError(f"the CUDA driver answered {result} to a request for shared memory")


def _size(number: int) -> ctypes.c_size_t:
    return ctypes.c_size_t(number)


def _wide(number: int) -> ctypes.c_ulonglong:
    return ctypes.c_ulonglong(number)
