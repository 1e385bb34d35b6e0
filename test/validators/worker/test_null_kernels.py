"""Null kernels: what computes nothing must not pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from curate_worker.judge.expected import expect
from curate_worker.judge.null_kernels import passing_null_kernel
from curate_worker.values import pack


def found(function: Callable, make: Callable[[], torch.Tensor]) -> str | None:
    """The null kernel that passes for a function over three calls."""
    torch.manual_seed(0)
    calls = []
    for _ in range(3):
        inputs = make()
        calls.append((pack([inputs]), expect(pack(function(inputs)), pack(function(inputs.double())))))
    return passing_null_kernel(calls)


@pytest.mark.parametrize(
    ("function", "kernel"),
    [
        (lambda x: x * 0, "zeros"),
        (torch.ones_like, "ones"),
        (lambda x: torch.softmax(x, -1).sum(-1), "ones"),
        (lambda x: x * 1, "copy of input 0"),
        (lambda x: torch.full_like(x, 7.0), "mean"),
        (lambda x: torch.arange(x.numel(), dtype=x.dtype), "previous output"),
        (lambda x: x / 0 * 0, "NaN"),
    ],
)
def test_a_task_that_a_null_kernel_passes_is_found(function: Callable, kernel: str) -> None:
    assert kernel in str(found(function, lambda: torch.randn(20, 30)))


@pytest.mark.parametrize(
    "function",
    [
        torch.relu,
        torch.sigmoid,
        lambda x: x + 1e-3,
        lambda x: x.sum(),
        lambda x: (x, x + 1),
        lambda x: x > 0,
        torch.argsort,
    ],
)
def test_an_honest_task_is_left_alone(function: Callable) -> None:
    assert found(function, lambda: torch.randn(20, 30)) is None


def test_a_layer_norm_of_normal_numbers_with_many_columns_is_nearly_a_copy() -> None:
    # Seen in the wild: over many columns the mean is nearly 0 and the deviation nearly 1. Tolerance tells them apart.
    assert found(lambda x: torch.nn.functional.layer_norm(x, x.shape[-1:]), lambda: torch.randn(4, 20_000)) is None


def test_zeros_do_not_pass_where_another_call_that_is_made_only_then_tells_them() -> None:
    def call(shift: float) -> tuple:
        inputs = torch.rand(20, 30) + shift
        return pack([inputs]), expect(pack(torch.relu(inputs)), pack(torch.relu(inputs.double())))

    made = []

    def noted(shift: float) -> tuple:
        made.append(shift)
        return call(shift)

    def others(*shifts: float) -> Iterator[Callable[[], tuple]]:
        for shift in shifts:
            yield partial(noted, shift)

    assert "zeros" in str(passing_null_kernel([call(-2.0)], others(-3.0)))
    assert passing_null_kernel([call(-2.0)], others(-2.5, -0.5, -4.0)) is None
    assert passing_null_kernel([call(-0.5)], others(5.0)) is None
    assert made == [-3.0, -2.5, -0.5]
    assert "zeros" in str(passing_null_kernel([], others(-2.0, -3.0)))
    assert passing_null_kernel([], others(-2.0, -0.5)) is None
