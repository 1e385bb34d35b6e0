"""
Candidates of form `native`: a library with one launcher and no PyTorch in it,

    extern "C" int run(void **in, void **out, const int64_t *dims, void *workspace, void *stream);

`in`: the arguments in the order of `forward`, tensors contiguous, numbers as int64 or double; then parameters and
buffers in the order of the reference's `state_dict`. `out`: the outputs, contiguous, allocated here and filled with
what is no honest result. `dims`: for each tensor of `in`, then of `out`, the number of its dimensions and their sizes.
`workspace`: as many bytes as `extern "C" int64_t workspace_bytes(const int64_t *dims)` says, null where the library
has no such function. `stream`: the CUDA stream, null on the processor. Everything but 0 is an error.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch

from ..tensors import DTYPES
from .errors import FaultInInput
from .given_memory import GivenMemory
from .poisoned_heap import poison_stack

_MOST_WORKSPACE: Final = 8 << 30
_STREAM: Final = "cuda"
_DECLARATION: Final = 'extern "C" int run(void **in, void **out, const int64_t *dims, void *workspace, void *stream)'


class NativeModel(GivenMemory):
    """A library with a launcher."""

    def __init__(self, library: Path, symbol: str, outputs: list[dict], device: str) -> None:
        """`outputs` are the dtypes and shapes of what is to be written."""
        super().__init__(device)
        self._library = ctypes.CDLL(str(library))
        self._run = getattr(self._library, symbol, None)
        if self._run is None:
            wanted = _DECLARATION.replace("run", symbol)
            raise FaultInInput("LOAD_ERROR", f"the library has no function {symbol}: {wanted}")
        self._run.restype = ctypes.c_int
        self._outputs = outputs

    def rooms(self, args: Sequence[object], kwargs: dict[str, object]) -> list[tuple[torch.dtype, list[int]]]:
        """The outputs, whatever it is called with."""
        del args, kwargs
        return [(DTYPES[item["dtype"]], item["shape"]) for item in self._outputs]

    def __call__(self, *args: object) -> object:
        """One launch."""
        outputs = self.take(args, {})
        given = [*(_argument(item, self.device) for item in args if item is not None), *self.state.values()]
        sizes = [number for tensor in (*given, *outputs) for number in (tensor.dim(), *tensor.shape)]
        dims = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
        workspace = self._workspace(dims)
        room = None if workspace is None else ctypes.c_void_p(workspace.data_ptr())
        stream = torch.cuda.current_stream().cuda_stream if self.device == _STREAM else 0
        order = (_pointers(given), _pointers(outputs), dims, room, ctypes.c_void_p(stream))
        poison_stack()
        code = self._run(*order)
        if code != 0:
            raise RuntimeError(f"the launcher returned {code}")
        return outputs[0] if len(outputs) == 1 else outputs

    def _workspace(self, dims: ctypes.Array) -> torch.Tensor | None:
        wanted = getattr(self._library, "workspace_bytes", None)
        if wanted is None:
            return None
        wanted.restype = ctypes.c_int64
        count = int(wanted(dims))
        if not 0 <= count <= _MOST_WORKSPACE:
            raise RuntimeError(f"a workspace of {count} bytes")
        return torch.empty(count, dtype=torch.uint8, device=self.device)


def _argument(item: object, device: str) -> torch.Tensor:
    if isinstance(item, torch.Tensor):
        return item.contiguous()
    if isinstance(item, (bool, int)):
        return torch.tensor(int(item), dtype=torch.int64, device=device)
    if isinstance(item, float):
        return torch.tensor(item, dtype=torch.float64, device=device)
    raise FaultInInput("UNSUPPORTED_FORM", f"a native launcher cannot be given a {type(item).__name__}")


def _pointers(tensors: Sequence[torch.Tensor]) -> ctypes.Array:
    return (ctypes.c_void_p * max(1, len(tensors)))(*_addresses(tensors))


def _addresses(tensors: Sequence[torch.Tensor]) -> Iterator[int]:
    return (tensor.data_ptr() for tensor in tensors)
