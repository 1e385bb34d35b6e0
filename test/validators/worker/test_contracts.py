"""Inputs that a kernel's contract may leave out."""

from __future__ import annotations

import torch
from curate_worker.judge.contracts import with_special_values, without_contiguity
from curate_worker.values import pack, unpack

FACTOR = 2


def test_tensors_of_several_dimensions_are_spread_and_say_the_same() -> None:
    values = [torch.randn(3, 5), torch.arange(6).reshape(2, 3), torch.randn(4), 7]
    changed = without_contiguity(pack(values))
    assert changed is not None
    (first, second, third, number), _ = unpack(changed, "cpu")
    assert not first.is_contiguous() and not second.is_contiguous() and first.stride(-1) == FACTOR
    for mine, other in zip((first, second, third), values[:3], strict=True):
        assert torch.equal(mine, other)
    assert number == values[3]


def test_what_cannot_be_spread_is_told() -> None:
    assert without_contiguity(pack([torch.randn(4), torch.randn(3, 1), 1.0])) is None


def test_numbers_with_a_fraction_get_a_nan_and_both_infinities() -> None:
    changed = with_special_values(pack([torch.randn(4, 5), torch.arange(9), torch.randn(2)]))
    assert changed is not None
    (first, second, third), _ = unpack(changed, "cpu")
    assert [int(first.isnan().sum()), int(first.isposinf().sum()), int(first.isneginf().sum())] == [1, 1, 1]
    assert torch.equal(second, torch.arange(9)) and torch.isfinite(third).all()
    assert with_special_values(pack([torch.arange(9)])) is None
