"""
Other distributions for the numbers that a reference's `get_inputs` draws. What it makes of them stays as it says:
whatever a softmax was taken of sums to one, indices stay in range. Names and purposes: `judge/distributions.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .uncompiled import Uncompiled

_LARGE, _SMALL, _WIDE = 8.0, 2.0**-10, 2.0**12
_ROW_SCALES, _ROW_OFFSETS = 3.0, 2.0
_CUBE_SIZE = math.sqrt(15.0)
_PEAK, _LAST_PEAK = 16.0, 20.0
_EDGE_SHARE = 0.25
_LEAST_SCALED, _MOST_SCALED, _ROUNDINGS = 4, 1 << 26, 4.0
# An exponential of float32 overflows beyond 88, and its terms vanish below -103; an epsilon of 1e-12 counts beside
# 1e-18, and squares of that, such as a variance is made of, are numbers of float32 still.
_HIGH, _SPREAD, _NEXT_TO_NOTHING = 112.0, 16.0, 1e-18
_LEAST_BYTES_FOR_TINY = 4
_KINDS, _PAIR = 4, 2

Change = Callable[[torch.Tensor], torch.Tensor]


class LoadedDice(Uncompiled, TorchDispatchMode):
    """While it is entered, everything that is drawn follows the named distribution."""

    def __init__(self, name: str, *, is_scaled: bool = False) -> None:
        super().__init__()
        self._is_scaled = is_scaled
        # Nothing here knows these dice: in a cycle the gigabytes that were drawn would be kept until one is looked for.
        in_turn = None if name not in _BY_TURN else _in_turn(_BY_TURN[name])
        self._normal = _NORMAL[name] if in_turn is None else in_turn
        self._uniform = _UNIFORM.get(name)
        self._integer = _INTEGER.get(name)
        self._returned = _RETURNED.get(name) if in_turn is None else partial(_from_uniform, in_turn)
        self._uniforms: list[torch.Tensor] = []

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = str(getattr(function, "__name__", "")).partition(".")[0]
        if name in ("randn", "randn_like"):
            return self._changed(result, self._normal)
        if name in ("normal", "normal_", "normal_functional"):
            return self._changed(result, lambda drawn: _standardised(drawn, self._normal, args, kwargs))
        if name in ("rand", "rand_like") or (name in ("uniform", "uniform_") and _is_from_zero_to_one(args, kwargs)):
            if self._returned is not None and isinstance(result, torch.Tensor):
                self._uniforms.append(result)
            return result if self._uniform is None else self._changed(result, self._uniform)
        if name in ("randint", "randint_like", "random_", "random") and self._integer is not None:
            return self._changed(result, self._integer)
        return result

    def change_returned(self, leaves: list) -> None:
        """
        Changes those inputs that are uniform numbers as they were drawn, or with `is_scaled` so many times as large.
        Whatever else was made of such numbers, such as indices, masks and weights that sum to one, may have to lie
        between zero and one.
        """
        for leaf in leaves:
            scale = self._scale_of(leaf) if self._returned is not None and isinstance(leaf, torch.Tensor) else None
            if self._returned is not None and scale is not None:
                with torch.no_grad():
                    leaf.copy_(self._returned(leaf) if scale == 1.0 else self._returned(leaf / scale) * scale)

    # How many times as large as it was drawn; None where it was not.
    def _scale_of(self, leaf: torch.Tensor) -> float | None:
        if not leaf.is_floating_point() or leaf.numel() == 0 or 0 in leaf.stride():
            return None
        if any(_is_same(leaf, drawn) or _is_equal(leaf, drawn) for drawn in self._uniforms):
            return 1.0
        scales = (_scale_between(leaf, drawn) for drawn in self._uniforms if self._is_scaled)
        return next((scale for scale in scales if scale is not None), None)

    @staticmethod
    def _changed(result: object, change: Change) -> object:
        if not isinstance(result, torch.Tensor) or result.numel() == 0:
            return result
        # In place: `normal_` and its like return what they were called on.
        return result.copy_(change(result))


def _in_turn(change: Callable[[torch.Tensor, int], torch.Tensor]) -> Change:
    turns = itertools.count()
    return lambda drawn: change(drawn, next(turns))


def _is_from_zero_to_one(args: tuple, kwargs: dict) -> bool:
    low, high = (*args[1:], *(0.0, 1.0)[len(args) - 1 :])
    return (kwargs.get("from", low), kwargs.get("to", high)) == (0.0, 1.0)


# Many tasks draw all that they are given from zero to one, where the absolute value and a rectifier do nothing.
def _from_uniform(change: Change, drawn: torch.Tensor) -> torch.Tensor:
    return change(drawn.mul_(2).sub_(1))


# To compare gigabytes takes as long as to draw them.
def _is_same(leaf: torch.Tensor, drawn: torch.Tensor) -> bool:
    return leaf.is_contiguous() and drawn.is_contiguous() and _place(leaf) == _place(drawn)


def _place(tensor: torch.Tensor) -> tuple:
    return tensor.device, tensor.dtype, tensor.shape, tensor.data_ptr()


def _is_equal(leaf: torch.Tensor, drawn: torch.Tensor) -> bool:
    return leaf.shape == drawn.shape and torch.equal(leaf, drawn.to(leaf.device, leaf.dtype))


# A few are so by chance, what became smaller may be shares of a sum, and of gigabytes there is no room for copies.
def _scale_between(leaf: torch.Tensor, drawn: torch.Tensor) -> float | None:
    if leaf.shape != drawn.shape or not _LEAST_SCALED <= leaf.numel() <= _MOST_SCALED:
        return None
    known = drawn.to(leaf.device, leaf.dtype)
    place = known.flatten().argmax()
    scale = float(leaf.flatten()[place]) / float(known.flatten()[place])
    is_scale = math.isfinite(scale) and scale > 1
    slack = _ROUNDINGS * torch.finfo(leaf.dtype).eps
    return scale if is_scale and torch.allclose(leaf, known * scale, rtol=slack, atol=0.0) else None


# Drawn with a mean and a deviation: the distribution changes around these.
def _standardised(drawn: torch.Tensor, change: Callable, args: tuple, kwargs: dict) -> torch.Tensor:
    numbers = [item for item in args if type(item) in (int, float)]
    mean = float(kwargs.get("mean", numbers[0] if numbers else 0.0))
    deviation = float(kwargs.get("std", numbers[1] if len(numbers) > 1 else 1.0))
    if not math.isfinite(deviation) or deviation == 0.0:
        return drawn
    return change((drawn - mean) / deviation) * deviation + mean


def _by_row(drawn: torch.Tensor, turn: int) -> torch.Tensor:
    """
    Each row has its own size, from 1/8 to 8, and is off its centre; of several the first is as far below zero as any
    can be and the last as far above, so that no chance keeps either away, and the other way round in the next tensor,
    so that products are far below zero.
    """
    axis = next((place for place, size in enumerate(drawn.shape) if size > 1), 0)
    shape = [size if place == axis else 1 for place, size in enumerate(drawn.shape)]
    scale = (torch.rand(shape, device=drawn.device) * 2 - 1) * _ROW_SCALES
    offset = (torch.rand(shape, device=drawn.device) * 2 - 1) * _ROW_OFFSETS
    if scale.numel() > 1:
        scale.view(-1)[[0, -1]] = _ROW_SCALES
        sign = -1 if turn % 2 else 1
        offset.view(-1)[0], offset.view(-1)[-1] = -sign * _ROW_OFFSETS, sign * _ROW_OFFSETS
    # In place, as everything that may be gigabytes here.
    return drawn.add_(offset.to(drawn.dtype)).mul_(torch.exp2(scale).to(drawn.dtype))


def _peaked(drawn: torch.Tensor) -> torch.Tensor:
    """
    In each row one number that matters, above a faint background. In the last row it is at the very end and more than
    all others, in the row before the last at its end and below zero: who leaves out an end finds no extreme there.
    """
    rows = drawn.reshape(-1, drawn.shape[-1]) if drawn.dim() else drawn.reshape(1, 1)
    faint = rows * _SMALL
    last, count = rows.shape[-1] - 1, rows.shape[0]
    places = torch.randint(0, last + 1, (count,), device=drawn.device)
    peaks = torch.full((count,), _PEAK, device=drawn.device)
    places[-1], peaks[-1] = last, _LAST_PEAK
    if count > _PAIR:
        places[-2], peaks[-2] = last, -_PEAK
    faint[torch.arange(count, device=drawn.device), places] = peaks.to(drawn.dtype)
    return faint.reshape(drawn.shape)


def _with_extremes(drawn: torch.Tensor, turn: int) -> torch.Tensor:
    """
    Every fourth row is next to nothing, and of the tensor that is drawn first every fourth has two numbers and another
    one number that exponentials cannot bear. Products of two such tensors would leave nothing of everything else.
    """
    rows = drawn.reshape(-1, drawn.shape[-1] if drawn.dim() else 1).clone()
    numbers = torch.arange(rows.shape[0], device=drawn.device)
    kinds = (numbers + turn + 1) % _KINDS
    if drawn.itemsize >= _LEAST_BYTES_FOR_TINY:
        rows[kinds == 0] *= _NEXT_TO_NOTHING
    for kind, sign in ((1, 1.0), (1, 1.0), (3, -1.0)) if turn == 0 else ():
        places = torch.randint(0, rows.shape[1], (rows.shape[0],), device=drawn.device)
        high = sign * (_HIGH + _SPREAD * torch.rand(rows.shape[0], device=drawn.device))
        chosen = kinds == kind
        rows[numbers[chosen], places[chosen]] = high[chosen].to(drawn.dtype)
    return rows.reshape(drawn.shape)


def _heavy(drawn: torch.Tensor) -> torch.Tensor:
    return drawn * drawn * drawn / _CUBE_SIZE


def _equal(drawn: torch.Tensor) -> torch.Tensor:
    return drawn.reshape(-1)[:1].clone().expand(drawn.numel()).reshape(drawn.shape)


def _skewed(drawn: torch.Tensor) -> torch.Tensor:
    return drawn.square().square()


def _near_edges(drawn: torch.Tensor) -> torch.Tensor:
    """A quarter of them are the smallest and a quarter the largest that was drawn."""
    dice = torch.rand(drawn.shape, device=drawn.device)
    low, high = drawn.min(), drawn.max()
    return torch.where(dice < _EDGE_SHARE, low, torch.where(dice > 1 - _EDGE_SHARE, high, drawn))


_BY_TURN: Final[dict[str, Callable[[torch.Tensor, int], torch.Tensor]]] = {
    "by-row": _by_row,
    "extreme": _with_extremes,
}
_NORMAL: Final[dict[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "peaked": _peaked,
    "heavy-tailed": _heavy,
    "large": lambda drawn: drawn * _LARGE,
    "small": lambda drawn: drawn * _SMALL,
    "equal": _equal,
    "wide": lambda drawn: drawn * _WIDE,
}
_UNIFORM: Final = {"heavy-tailed": _skewed, "small": lambda drawn: drawn * _SMALL}
_RETURNED: Final = {
    "small": lambda drawn: drawn * 2 - _SMALL,
    "peaked": lambda drawn: _peaked(drawn * 2 - 1),
}
_INTEGER: Final = {"by-row": _near_edges, "peaked": _equal}
