"""The part of the CUDA driver that launches a plan's kernels. Bound when this is imported, before any candidate is."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

_MOST_SHARED_BYTES = 48 << 10
# CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: kernels that want more must say so.
_DYNAMIC_SHARED_SIZE = 8


class Module:
    """A cubin, loaded into the context that is current."""

    def __init__(self, cubin: bytes) -> None:
        self._driver = ctypes.CDLL("libcuda.so.1")
        self._module = ctypes.c_void_p()
        self._functions: dict[str, ctypes.c_void_p] = {}
        # The driver reads the image while it loads it and keeps none of it.
        self._require(self._driver.cuModuleLoadData(ctypes.byref(self._module), cubin), "loading the kernels")

    def launch(
        self,
        symbol: str,
        sizes: tuple[tuple[int, int, int], tuple[int, int, int], int],
        arguments: Sequence[ctypes.Array],
        stream: int,
    ) -> None:
        """Launches a kernel; `sizes` are grid, block and bytes of dynamic shared memory. Raises RuntimeError."""
        grid, block, shared_bytes = sizes
        function = self._function(symbol)
        if shared_bytes > _MOST_SHARED_BYTES:
            code = self._driver.cuFuncSetAttribute(function, _DYNAMIC_SHARED_SIZE, ctypes.c_int(shared_bytes))
            self._require(code, f"{shared_bytes} bytes of shared memory for {symbol}")
        given = (ctypes.c_void_p * max(1, len(arguments)))(*(ctypes.addressof(item) for item in arguments))
        counts = [ctypes.c_uint(item) for item in (*grid, *block, shared_bytes)]
        code = self._driver.cuLaunchKernel(function, *counts, ctypes.c_void_p(stream), given, None)
        self._require(code, f"launching {symbol}")

    def _function(self, symbol: str) -> ctypes.c_void_p:
        if symbol not in self._functions:
            found = ctypes.c_void_p()
            code = self._driver.cuModuleGetFunction(ctypes.byref(found), self._module, symbol.encode())
            self._require(code, f"looking for {symbol}")
            self._functions[symbol] = found
        return self._functions[symbol]

    def _require(self, code: int, what: str) -> None:
        if code == 0:
            return
        text = ctypes.c_char_p()
        self._driver.cuGetErrorString(code, ctypes.byref(text))
        told = (text.value or b"no text").decode(errors="replace")
        raise RuntimeError(f"CUDA error: {told} ({code}), {what}")
