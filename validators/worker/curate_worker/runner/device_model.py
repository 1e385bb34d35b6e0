"""Candidates of form `device`: our own host code launches their kernels as a plan says."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from ..device.concrete import Scope, launches_of, scope_of, shapes_of_rooms
from ..device.expressions import Facts, Number, PlanError
from ..device.launch_plan import LaunchPlan
from ..tensors import DTYPES
from .driver import Module
from .errors import FaultInInput
from .given_memory import GivenMemory

_ALIGNMENT = 16
_ITEMSIZES = {name: dtype.itemsize for name, dtype in DTYPES.items()}


class DeviceModel(GivenMemory):
    """Kernels and their plan."""

    def __init__(self, cubin: bytes, plan: LaunchPlan, symbols: dict[str, str], device: str) -> None:
        super().__init__(device)
        # The driver loads into the context of PyTorch.
        torch.zeros(1, device=device)
        torch.cuda.synchronize()
        self._module = Module(cubin)
        self._plan, self._symbols = plan, symbols

    def rooms(self, args: Sequence[object], kwargs: dict[str, object]) -> list[tuple[torch.dtype, list[int]]]:
        """Outputs, then workspaces."""
        scope = self._scope(self._given(args, kwargs))
        with _told():
            shapes = shapes_of_rooms(self._plan, scope, _ITEMSIZES)
        pairs = zip(self._plan.rooms, shapes, strict=True)
        return [(DTYPES[room.dtype], shape) for room, shape in pairs]

    def __call__(self, *args: object, **kwargs: object) -> object:
        """All launches, on the current stream."""
        made = self.take(args, kwargs)
        given = self._given(args, kwargs)
        scope = self._scope(given)
        tensors = {name: item for name, item in given.items() if isinstance(item, torch.Tensor)}
        for room, item in zip(self._plan.rooms, made, strict=True):
            tensors[room.name] = item
            scope[room.name] = _facts(item)
            if room.fill is not None:
                item.fill_(room.fill)
        stream = torch.cuda.current_stream().cuda_stream
        with _told():
            launches = launches_of(self._plan, scope)
        for launch in launches:
            values = [_value(tensors, item) for item in launch.arguments]
            sizes = (launch.grid, launch.block, launch.shared_bytes)
            self._module.launch(self._symbols[launch.kernel], sizes, values, stream)
        outputs = made[: len(self._plan.outputs)]
        return outputs[0] if len(outputs) == 1 else outputs

    def _given(self, args: Sequence[object], kwargs: dict[str, object]) -> dict[str, object]:
        if len(args) + len(kwargs) != len(self._plan.inputs):
            text = f"the plan has {len(self._plan.inputs)} inputs, and the task gives {len(args) + len(kwargs)}"
            raise FaultInInput("INVALID_PLAN", text)
        given = dict(zip(self._plan.inputs, args, strict=False)) | kwargs
        for name, own in self._plan.parameters.items():
            if own not in self.state:
                raise FaultInInput("STATE_MISMATCH", f"the reference has no parameter or buffer {own}")
            given[name] = self.state[own]
        return {name: _aligned(item) if isinstance(item, torch.Tensor) else item for name, item in given.items()}

    def _scope(self, given: dict[str, object]) -> Scope:
        known: dict[str, Number | Facts] = {}
        for name, item in given.items():
            if isinstance(item, torch.Tensor):
                known[name] = _facts(item)
            elif isinstance(item, (bool, int, float)):
                known[name] = int(item) if isinstance(item, bool) else item
            elif item is not None:
                raise FaultInInput("UNSUPPORTED_FORM", f"a launch plan cannot be given a {type(item).__name__}")
        with _told():
            return scope_of(self._plan, known)


# Kernels load 16 bytes at once, those of Triton wherever it is told that they may.
def _aligned(item: torch.Tensor) -> torch.Tensor:
    item = item.contiguous()
    return item.clone() if item.data_ptr() % _ALIGNMENT else item


def _facts(item: torch.Tensor) -> Facts:
    return Facts(tuple(item.shape), item.itemsize)


def _value(tensors: dict[str, torch.Tensor], item: str | bytes) -> ctypes.Array:
    data = tensors[item].data_ptr().to_bytes(8, "little") if isinstance(item, str) else item
    return ctypes.create_string_buffer(data, len(data))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except PlanError as error:
        raise FaultInInput("INVALID_PLAN", str(error)) from error
