"""Gradients are asked for where they are wanted, and judged by what the reference knows of them."""

from __future__ import annotations

import pytest
import torch
from curate_worker.judge.faults import Verdict
from curate_worker.judge.gradient_cases import ExpectedGradient, Values, expected_gradient
from curate_worker.runner.gradients import Question, gradients_of, places_with_gradient
from curate_worker.values import pack, unpack


class Tied(torch.nn.Module):
    """One parameter under two names, one that is not trained, one by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Parameter(torch.ones(3))
        self.second = self.first
        self.fixed = torch.nn.Parameter(torch.ones(3), requires_grad=False)
        self.own = torch.nn.Parameter(torch.full((3,), 2.0))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict:
        return {"b": x * self.own + self.first * self.second, "a": (y * self.fixed, x > 0)}


def test_of_two_outputs_what_was_recorded_is_summed_up_as_it_was_weighed() -> None:
    inputs = pack([torch.ones(3), torch.ones(3)])
    weights = pack({"output['b']": torch.tensor([1.0, 2.0, 3.0]), "output['a'][0]": torch.ones(3)})
    found = gradients_of(Tied(), inputs, unpack(inputs, "cpu")[1], "cpu", Question(weights, [0], None))
    assert found.attached == ["output['b']"]
    assert set(found.by_name) == {"input 0", "parameter own"}
    assert found.by_name["input 0"].tolist() == [2.0, 4.0, 6.0]
    assert found.by_name["parameter own"].tolist() == [1.0, 2.0, 3.0]


def test_gradients_are_wanted_of_numbers_that_say_so() -> None:
    assert places_with_gradient([torch.ones(2), {"b": torch.ones(2, requires_grad=True)}, 3]) == [1]


def expected_of(function: object, given: torch.Tensor) -> ExpectedGradient | None:
    """What the gradient of the sum of a function must be."""

    def gradient(x: torch.Tensor) -> torch.Tensor:
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(function(leaf).sum(), leaf)[0]

    noise = torch.rand(given.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1
    moves = [1 + sign * 8 * noise * torch.finfo(torch.float32).eps / 2 for sign in (1, -1)]
    nudged = [gradient(given.double() * move) for move in moves]
    return expected_gradient("input 0", Values(gradient(given), gradient(given.double()), nudged))


def test_a_gradient_may_be_either_at_a_kink_and_nowhere_else() -> None:
    given = torch.randn(64, generator=torch.Generator().manual_seed(0))
    given[5] = 1.0
    expected = expected_of(lambda x: torch.relu(x - 1), given)
    assert expected is not None
    right = (given > 1).float()
    for value in (0.0, 1.0):
        right[5] = value
        expected.require(right)
    right[6] = 1 - right[6]
    with pytest.raises(Verdict):
        expected.require(right)


def test_a_gradient_that_is_all_rounding_is_not_compared() -> None:
    given = torch.randn(64, generator=torch.Generator().manual_seed(0))
    assert expected_of(lambda x: torch.softmax(x, 0), given) is None
    assert expected_of(lambda x: torch.softmax(x, 0).square(), given) is not None


def test_a_gradient_of_few_numbers_may_err_as_rounding_of_inputs_would_have_it() -> None:
    values = Values(torch.tensor(1.0), torch.tensor(1.0).double(), [torch.tensor(1 + 2e-4).double()] * 2)
    expected = expected_gradient("input 0", values)
    assert expected is not None
    expected.require(torch.tensor(1 + 1.5e-4))
    with pytest.raises(Verdict):
        expected.require(torch.tensor(1.001))
