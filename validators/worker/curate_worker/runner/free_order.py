"""Shows what follows from an order that PyTorch leaves open: what is asked for unsorted comes the other way round."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .uncompiled import Uncompiled

EVERY = -1
"""In the place of one call's number: all of them."""
_DIM, _SORTED = 2, 4


class Reversed(Uncompiled, TorchDispatchMode):
    """Reverses what `topk` gives where it is asked for the largest in any order."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self._call = call
        self._num_seen = 0

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        is_sorted = args[_SORTED] if len(args) > _SORTED else kwargs.get("sorted", True)
        if function is not torch.ops.aten.topk.default or is_sorted:
            return result
        self._num_seen += 1
        dim = args[_DIM] if len(args) > _DIM else kwargs.get("dim", -1)
        if self._call not in (EVERY, self._num_seen - 1) or result[0].dim() == 0:
            return result
        return tuple(item.flip(dim) for item in result)
