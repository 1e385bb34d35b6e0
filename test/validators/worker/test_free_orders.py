"""What the reference asks for in any order may stand in any, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from curate_worker.judge.compare import is_right
from curate_worker.judge.expected import Expected, expect
from curate_worker.judge.free_orders import EVERY, FreeOrder, Orders, find_orders
from curate_worker.judge.leaves import leaves_of
from curate_worker.runner.free_order import Reversed
from curate_worker.values import pack

ROWS, COUNT = 20, 5
OTHERS = 2
"""The place of what the second call gives."""


@pytest.fixture
def scores() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(ROWS, 60)


def two_choices(x: torch.Tensor) -> list[torch.Tensor]:
    first = torch.topk(x, COUNT, -1, sorted=False)
    second = torch.topk(-x, COUNT, -1, True, False)
    return [*first, second.indices, torch.topk(x, COUNT, -1).values, x.mean(-1)]


def orders_of(x: torch.Tensor) -> Orders:
    def turned(call: int) -> list:
        with Reversed(call):
            return leaves_of(pack(two_choices(x)))

    return find_orders(leaves_of(pack(two_choices(x))), turned)


def expected(x: torch.Tensor) -> Expected:
    output = two_choices(x)
    wide = [item.double() if item.is_floating_point() else item for item in output]
    return expect(pack(output), pack(wide), orders=orders_of(x))


def test_what_is_asked_for_in_any_order_is_known_by_its_call(scores: torch.Tensor) -> None:
    first, second = FreeOrder(0, 1), FreeOrder(1, 1)
    assert orders_of(scores) == [first, first, second, None, None]


def test_nothing_is_free_where_all_are_asked_for_in_order(scores: torch.Tensor) -> None:
    output = leaves_of(pack(torch.topk(scores, COUNT)))
    with Reversed(EVERY):
        assert find_orders(output, lambda _: leaves_of(pack(torch.topk(scores, COUNT)))) == []


def test_each_call_may_stand_in_an_order_of_its_own(scores: torch.Tensor) -> None:
    values, places, others, ordered, mean = two_choices(scores)
    assert is_right(pack([values.flip(1), places.flip(1), others.roll(1, 1), ordered, mean]), expected(scores))


@pytest.mark.parametrize("number", range(5))
def test_what_belongs_together_moves_together(scores: torch.Tensor, number: int) -> None:
    output = two_choices(scores)
    output[number] = output[number].flip(-1)
    moves_alone = number == OTHERS
    assert is_right(pack(output), expected(scores)) == moves_alone


def test_rows_do_not_change_places(scores: torch.Tensor) -> None:
    values, places, others, ordered, mean = two_choices(scores)
    assert not is_right(pack([values.flip(0), places.flip(0), others, ordered, mean]), expected(scores))


def test_none_is_there_twice(scores: torch.Tensor) -> None:
    values, places, others, ordered, mean = two_choices(scores)
    for item in (values, places):
        item[:, 1] = item[:, 0]
    assert not is_right(pack([values, places, others, ordered, mean]), expected(scores))
