"""
Constructors of models draw millions of numbers on the processor, one after another: seconds, with a GPU idle beside
it. Here the GPU draws them; the tensors stay where and what they are, but for those of gigabytes, which are made where
they will be moved to anyway.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .uncompiled import Uncompiled

_LEAST_NUMBERS: Final = 1 << 20
# To fill so much on the processor, to look at it there and to bring it to the GPU takes a second.
_LEAST_BYTES_AWAY: Final = 512 << 20
_IN_PLACE: Final = ("uniform_", "normal_")
_NEW: Final = ("rand", "randn")
_FILLED: Final = ("empty", "zeros", "ones", "full")

Made = TypeVar("Made")


class RoomNeeded(Exception):  # noqa: N818
    """A model holds so many bytes in its largest tensors alone that there has to be room for it first."""

    def __init__(self, num_bytes: int) -> None:
        super().__init__(f"{num_bytes} bytes")
        self.num_bytes = num_bytes


def made_quickly(make: Callable[[], Made], device: str, *, asks_for_room: bool = False) -> Made:
    """
    What `make` gives, with large tensors on the processor filled with random numbers of `device`, if that is a GPU, and
    the largest made there. Called once more without these where a constructor does not bear to have them there. Raises
    RoomNeeded, before any memory is taken for the largest, where somebody `asks_for_room`.
    """
    if device == "cpu":
        return make()
    draws = _QuickDraws(device, away="meta" if asks_for_room else device)
    try:
        with draws:
            made = make()
        if not asks_for_room or not draws.num_bytes_away:
            return made
    except torch.OutOfMemoryError:
        raise
    except Exception:
        if not draws.num_bytes_away:
            raise
    if asks_for_room:
        raise RoomNeeded(draws.num_bytes_away)
    with _QuickDraws(device, away=None):
        return make()


class _QuickDraws(Uncompiled, TorchDispatchMode):
    def __init__(self, device: str, *, away: str | None) -> None:
        super().__init__()
        self._device = device
        self._away = away
        self.num_bytes_away = 0
        """Of the largest tensors, which were made `away`."""

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        name = str(getattr(function, "__name__", "")).partition(".")[0]
        if kwargs.get("generator") is not None or not args:
            return function(*args, **kwargs)
        if name in _IN_PLACE and _is_worth_it(args[0].device, args[0].numel()):
            drawn = torch.empty(args[0].shape, dtype=args[0].dtype, device=self._device)
            return args[0].copy_(function(drawn, *args[1:], **kwargs))
        if name in _NEW or name in _FILLED:
            return self._made(name, function, args, kwargs)
        return function(*args, **kwargs)

    def _made(self, name: str, function: Callable[..., torch.Tensor], args: tuple, kwargs: dict) -> torch.Tensor:
        count = math.prod(args[0])
        if not _is_worth_it(kwargs.get("device"), count):
            return function(*args, **kwargs)
        num_bytes = count * (kwargs.get("dtype") or torch.get_default_dtype()).itemsize
        if self._away is not None and not kwargs.get("pin_memory") and num_bytes >= _LEAST_BYTES_AWAY:
            self.num_bytes_away += num_bytes
            return function(*args, **{**kwargs, "device": self._away, "pin_memory": False})
        there = {**kwargs, "device": self._device, "pin_memory": False}
        return function(*args, **there).cpu() if name in _NEW else function(*args, **kwargs)


def _is_worth_it(device: torch.device | None, count: int) -> bool:
    return (device is None or torch.device(device).type == "cpu") and count >= _LEAST_NUMBERS
