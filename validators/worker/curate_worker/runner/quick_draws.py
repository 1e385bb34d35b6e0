"""
Constructors of models draw millions of numbers on the processor, one after another: seconds, with a GPU idle beside
it. Here the GPU draws them; the tensors stay where and what they are.
"""

from __future__ import annotations

import contextlib
import math
from typing import Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .uncompiled import Uncompiled

_LEAST_NUMBERS: Final = 1 << 20
_IN_PLACE: Final = ("uniform_", "normal_")
_NEW: Final = ("rand", "randn")


def quick_draws(device: str) -> contextlib.AbstractContextManager:
    """Within it large tensors on the processor are filled with random numbers of `device`, if that is a GPU."""
    return contextlib.nullcontext() if device == "cpu" else _QuickDraws(device)


class _QuickDraws(Uncompiled, TorchDispatchMode):
    def __init__(self, device: str) -> None:
        super().__init__()
        self._device = device

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        name = str(getattr(function, "__name__", "")).partition(".")[0]
        if kwargs.get("generator") is None and args:
            if name in _IN_PLACE and _is_worth_it(args[0].device, args[0].numel()):
                drawn = torch.empty(args[0].shape, dtype=args[0].dtype, device=self._device)
                return args[0].copy_(function(drawn, *args[1:], **kwargs))
            if name in _NEW and _is_worth_it(kwargs.get("device"), math.prod(args[0])):
                return function(*args, **{**kwargs, "device": self._device, "pin_memory": False}).cpu()
        return function(*args, **kwargs)


def _is_worth_it(device: torch.device | None, count: int) -> bool:
    return (device is None or torch.device(device).type == "cpu") and count >= _LEAST_NUMBERS
