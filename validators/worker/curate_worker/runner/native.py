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
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch

from ..tensors import DTYPES, Guarded, as_bytes, banded_room
from .errors import FaultInInput

_POISONS: Final = (0xFF, 0x7F)
_MOST_WORKSPACE: Final = 8 << 30
_STREAM: Final = "cuda"
_DECLARATION: Final = 'extern "C" int run(void **in, void **out, const int64_t *dims, void *workspace, void *stream)'


class NativeModel:
    """Stands where a `ModelNew` stands."""

    def __init__(self, library: Path, symbol: str, outputs: list[dict], device: str) -> None:
        """`outputs` are the dtypes and shapes of what is to be written."""
        self._library = ctypes.CDLL(str(library))
        self._run = getattr(self._library, symbol, None)
        if self._run is None:
            wanted = _DECLARATION.replace("run", symbol)
            raise FaultInInput("LOAD_ERROR", f"the library has no function {symbol}: {wanted}")
        self._run.restype = ctypes.c_int
        self._outputs, self._device = outputs, device
        self._poisons = itertools.cycle(_POISONS)
        self.state: dict[str, torch.Tensor] = {}
        """Parameters and buffers, in the order of the reference's."""
        self._made: list[torch.Tensor] = []
        self._guards: list[Guarded] = []

    def prepare(self) -> None:
        """Allocates the outputs of the next call: that is our work, and no time of the candidate's."""
        poison = next(self._poisons)
        self._guards = []
        self._made = [self._room_for(item["shape"], DTYPES[item["dtype"]], poison) for item in self._outputs]

    def set_state(self, state: dict[str, torch.Tensor]) -> None:
        """Sets parameters and buffers to copies of these, where they were before."""
        if self.state.keys() != state.keys():
            self.state = {name: torch.empty_like(item) for name, item in state.items()}
        for name, item in state.items():
            self.state[name].copy_(item)

    @property
    def num_overrun(self) -> int:
        """Outputs of the last call past whose ends it wrote."""
        return sum(not guard.is_intact() for guard in self._guards)

    def _room_for(self, shape: list[int], dtype: torch.dtype, poison: int) -> torch.Tensor:
        num_bytes = math.prod(shape) * dtype.itemsize
        if num_bytes == 0:
            return torch.empty(shape, dtype=dtype, device=self._device)
        guard = Guarded(banded_room(num_bytes, self._device))
        self._guards.append(guard)
        return as_bytes(guard.blob).fill_(poison).view(dtype).view(shape)

    def __call__(self, *args: object) -> object:
        """One launch."""
        if not self._made:
            self.prepare()
        outputs, self._made = self._made, []
        given = [*(_argument(item, self._device) for item in args if item is not None), *self.state.values()]
        sizes = [number for tensor in (*given, *outputs) for number in (tensor.dim(), *tensor.shape)]
        dims = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
        workspace = self._workspace(dims)
        room = None if workspace is None else ctypes.c_void_p(workspace.data_ptr())
        stream = torch.cuda.current_stream().cuda_stream if self._device == _STREAM else 0
        code = self._run(_pointers(given), _pointers(outputs), dims, room, ctypes.c_void_p(stream))
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
        return torch.empty(count, dtype=torch.uint8, device=self._device)


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
