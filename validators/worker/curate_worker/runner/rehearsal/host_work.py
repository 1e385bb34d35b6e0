"""What a program does on the host side of a GPU between its launches: memory it asks for, and what it computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..uncompiled import Uncompiled

_EMPTY: Final = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_FILLED: Final = {"zeros": 0.0, "zeros_like": 0.0, "new_zeros": 0.0, "ones": 1.0, "ones_like": 1.0, "new_ones": 1.0}
# Which argument says with what.
_FULL: Final = {"full": 1, "full_like": 1, "new_full": 2}
_VIEWS: Final = {"_unsafe_view", "_reshape_alias", "detach", "lift_fresh"}


@dataclass
class Allocated:
    """Memory that was asked for."""

    tensor: torch.Tensor
    """Kept, so that nothing else is taken for it."""
    fill: float | None
    """What it holds before the first launch; None for whatever lies there."""


class HostWork(Uncompiled, TorchDispatchMode):
    """Notes it within a `with` block."""

    def __init__(self, is_launched_on: Callable[[int], bool]) -> None:
        """`is_launched_on` says whether any kernel was given some memory, as `storage_of` names it."""
        super().__init__()
        self._is_launched_on = is_launched_on
        self.allocated: list[Allocated] = []
        self.operation: str | None = None
        """The first thing that computes something; None where only memory was asked for and looked at otherwise."""

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        result = function(*args, **(kwargs or {}))
        name = str(getattr(function, "__name__", "")).partition(".")[0]
        if name in _EMPTY:
            self._allocate(result, None)
        elif name in _FILLED:
            self._allocate(result, _FILLED[name])
        elif name in _FULL:
            self._allocate(result, float(args[_FULL[name]]))
        elif name in ("fill_", "zero_") and self._is_unused(args[0]):
            self._fill(args[0], 0.0 if name == "zero_" else args[1])
        elif name not in _VIEWS and not _is_view(function) and self.operation is None and _holds_tensors(result):
            self.operation = name
        return result

    def _allocate(self, tensor: torch.Tensor, fill: float | None) -> None:
        self.allocated.append(Allocated(tensor, fill))

    def _fill(self, tensor: torch.Tensor, value: object) -> None:
        known = self._of(tensor)
        if known is not None and isinstance(value, (int, float)):
            known.fill = float(value)
        elif self.operation is None:
            self.operation = "fill_"

    # What a kernel wrote, filling would wipe out: a plan fills before all launches.
    def _is_unused(self, tensor: torch.Tensor) -> bool:
        known = self._of(tensor)
        is_whole = known is not None and tensor.numel() == known.tensor.numel()
        return is_whole and not self._is_launched_on(storage_of(tensor))

    def _of(self, tensor: torch.Tensor) -> Allocated | None:
        place = storage_of(tensor)
        return next((item for item in self.allocated if storage_of(item.tensor) == place), None)


def storage_of(tensor: torch.Tensor) -> int:
    """What tells the memory of one tensor from that of others, as long as both are there."""
    return tensor.untyped_storage()._cdata


def _is_view(function: object) -> bool:
    returns = function._schema.returns
    return bool(returns) and all(item.alias_info is not None and not item.alias_info.is_write for item in returns)


# What asks a tensor for its device or its sizes computes nothing.
def _holds_tensors(result: object) -> bool:
    return any(isinstance(item, torch.Tensor) for item in tree_leaves(result))
