"""What rounding of inputs would change is not held against a candidate, and nothing else."""

from __future__ import annotations

import torch
from curate_worker.judge.compare import compare
from curate_worker.judge.expected import Expected, expect
from curate_worker.judge.faults import Verdict
from curate_worker.judge.leaves import leaves_of
from curate_worker.judge.nudged import nudges_for
from curate_worker.values import pack


def expected_of(function: object, given: torch.Tensor) -> Expected:
    """What must come out of a function of float32 numbers; of sums the reference is as right as can be, by luck."""
    own, exact = function(given), function(given.double())
    own = exact.float() if own.is_floating_point() else own
    dice = {direction: torch.Generator().manual_seed(direction) for direction in range(16)}
    noise = {number: torch.rand(given.shape, generator=dice[number], dtype=torch.float64) * 2 - 1 for number in dice}
    unit = torch.finfo(torch.float32).eps / 2
    moves = nudges_for(leaves_of(pack(own)))
    nudged = [pack(function(given.double() * (1 + noise[place] * units * unit))) for place, units in moves]
    return expect(pack(own), pack(exact), nudged=nudged)


def is_accepted(output: torch.Tensor, expected: Expected) -> bool:
    """Whether an output passes."""
    try:
        compare(pack(output), expected)
    except Verdict:
        return False
    return True


def test_a_sum_that_nearly_cancels_may_lose_what_rounding_loses() -> None:
    given = torch.randn(1 << 16, generator=torch.Generator().manual_seed(0))
    given = given - given.mean()
    expected = expected_of(torch.sum, given)
    exact = given.double().sum()
    assert is_accepted((exact + 1e-4).float(), expected)
    assert not is_accepted((exact + 1e-2).float(), expected)


def test_an_index_may_be_any_of_values_that_are_nearly_equal() -> None:
    given = torch.rand(64, 8, generator=torch.Generator().manual_seed(0))
    given[5, 2] = given[5, 6] = 2.0
    expected = expected_of(lambda x: x.argmax(1), given)
    other = given.argmax(1)
    other[5] = 8 - other[5]
    assert is_accepted(other, expected)
    other[6] = (other[6] + 1) % 8
    assert not is_accepted(other, expected)


def test_what_jumps_is_no_rounding() -> None:
    given = torch.randn(1 << 10, generator=torch.Generator().manual_seed(0))
    given[:512] = 1.0
    expected = expected_of(lambda x: (x == 1.0).to(torch.float32).sum(), given)
    assert not is_accepted(torch.tensor(511.0), expected)
