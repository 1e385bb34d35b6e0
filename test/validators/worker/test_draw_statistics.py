"""What sums up a draw sees choices that are made together, and no rounding of what cancels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from curate_worker.judge.draw_statistics import DrawStatistics

MOST_BY_CHANCE, BY_CHANCE = 0.5, 0.005
SHARE, FAR_MORE = 0.3, 3
NAME = "share of values that the reference gives"


def prepared(draws: list[torch.Tensor]) -> DrawStatistics:
    statistics = DrawStatistics(draws[0])
    for draw in draws[1:]:
        statistics.know(draw)
    statistics.prepare()
    return statistics


def test_what_rounding_leaves_of_larger_numbers_is_what_the_reference_gives() -> None:
    values = torch.randn(5000, generator=torch.Generator().manual_seed(0)).double()
    values[:500] *= 1e-4
    statistics = prepared([values.float(), -values.float()])
    rounded = (values + 4e-8).float()
    assert statistics.of(rounded, rounded)[NAME] == 1.0
    half = values.to(torch.float16).float()
    assert statistics.of(half, half)[NAME] < MOST_BY_CHANCE


@pytest.mark.parametrize(("share", "are_alike"), [(1, False), (2, True)])
def test_choices_that_are_made_with_one_number_are_seen(share: int, are_alike: bool) -> None:
    dice = torch.Generator().manual_seed(0)
    # Of eight tokens, in another order in every row, the first is drawn half of the time, the next a quarter, ...
    tokens = torch.rand(400, 8, generator=dice).argsort(-1)

    def draw(share: int) -> torch.Tensor:
        numbers = torch.rand(400 // share, generator=dice).repeat_interleave(share)
        return tokens.gather(1, (-numbers.log2()).floor().long().clamp(max=7)[:, None])[:, 0]

    statistics = prepared([draw(1) for _ in range(64)])
    found = [statistics.of(draw(share), draw(share))["product of that of neighbours"] for _ in range(40)]
    assert (sum(found) / 40 > BY_CHANCE) == are_alike


@pytest.mark.parametrize("turn", [lambda mask, at: mask.roll(at), lambda mask, at: mask.flip(0).roll(at)])
def test_one_mask_that_begins_elsewhere_in_each_draw_is_seen(turn: Callable[[torch.Tensor, int], torch.Tensor]) -> None:
    dice = torch.Generator().manual_seed(0)

    def draw() -> torch.Tensor:
        return (torch.rand(4096, generator=dice) >= SHARE).double()

    statistics = prepared([draw() for _ in range(24)])
    name, mask = "largest product with the draw before shifted", draw()
    by_chance = max(statistics.of(draw(), draw())[name] for _ in range(20))
    again = min(statistics.of(turn(mask, 700 * number), mask)[name] for number in range(1, 5))
    assert again > FAR_MORE * by_chance
