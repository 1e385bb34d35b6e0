"""Shows that programs which draw nothing are told from a stochastic reference, or that judging it means nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from ..tensors import tensor_of
from ..values import pack
from .cases import Case
from .faults import Verdict
from .leaves import Leaf, leaves_of, tells
from .phases import phase
from .stochastic import ReferenceDraws, compare_draws

Fill = Callable[[Case, Leaf], torch.Tensor | None]


def require_power(judged: list[tuple[Case, ReferenceDraws]]) -> None:
    """Raises a Verdict where a program that draws nothing would pass on every input."""
    with phase("null_kernels"):
        for name, fill in _null_kernels(judged[0][0]):
            if all(_passes(fill, *item) for item in judged):
                text = f"a kernel that returns {name} would pass, so that passing means nothing"
                raise Verdict("INVALID_REFERENCE", "task", "LOW_POWER", "task", text)


def _null_kernels(case: Case) -> Iterator[tuple[str, Fill]]:
    yield "zeros", lambda _, leaf: torch.zeros_like(leaf.tensor())
    yield "the same draw again and again", lambda _, leaf: leaf.tensor()
    for number in range(len(case.inputs.tensors)):
        yield f"a copy of input {number}", lambda case, leaf, number=number: _copy(case, leaf, number)


def _passes(fill: Fill, case: Case, draws: ReferenceDraws) -> bool:
    filled = [fill(case, leaf) if tells(leaf) else leaf.plain for leaf in draws.expected.own]
    if any(item is None and tells(leaf) for item, leaf in zip(filled, draws.expected.own, strict=True)):
        return False
    leaves = [_leaf(value, own) for value, own in zip(filled, draws.expected.own, strict=True)]
    try:
        compare_draws(lambda _: leaves, draws)
    except Verdict:
        return False
    return True


def _leaf(value: object, own: Leaf) -> Leaf:
    return own if not tells(own) else replace(leaves_of(pack(value))[0], place=own.place)


def _copy(case: Case, leaf: Leaf, number: int) -> torch.Tensor | None:
    source, own = tensor_of(case.inputs.tensors[number], case.inputs.blobs[number]), leaf.tensor()
    return source.to(own.device, own.dtype) if source.shape == own.shape else None
