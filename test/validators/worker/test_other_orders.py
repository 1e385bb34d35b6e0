"""Integers that no seed changes stand in another order, and what they say of one another stays."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from curate_worker.runner.inputs import make_inputs
from curate_worker.runner.other_orders import reordered

BOUNDS = [0, 7, 20, 21, 50, 58]


def drawn(*values: list, places: set[int]) -> list[torch.Tensor]:
    found = reordered([torch.tensor(item) for item in values], places, lambda _: torch.Generator().manual_seed(3))
    assert isinstance(found, list)
    return found


def test_sequences_change_places_and_none_is_longer_than_the_longest() -> None:
    (bounds,) = drawn(BOUNDS, places={0})
    assert bounds.tolist() != BOUNDS
    assert (int(bounds[0]), int(bounds[-1])) == (0, 58)
    assert sorted(bounds.diff().tolist()) == sorted(torch.tensor(BOUNDS).diff().tolist())


def test_numbers_of_sequences_stay_in_order() -> None:
    (numbers,) = drawn([0, 0, 0, 1, 2, 2, 2, 2], places={0})
    assert numbers.tolist() == sorted(numbers.tolist())
    assert sorted(numbers.bincount().tolist()) == [1, 3, 4]
    assert numbers.bincount().tolist() != [3, 1, 4]


def test_lengths_change_places() -> None:
    (lengths,) = drawn([5, 40, 17, 33, 2], places={0})
    assert sorted(lengths.tolist()) == [2, 5, 17, 33, 40]
    assert lengths.tolist() != [5, 40, 17, 33, 2]


def test_only_what_no_seed_changes_is_another() -> None:
    first, second = drawn(BOUNDS, BOUNDS, places={1})
    assert first.tolist() == BOUNDS
    assert second.tolist() != BOUNDS


def test_what_is_given_twice_stays_the_same() -> None:
    first, second = drawn(BOUNDS, BOUNDS, places={0, 1})
    assert torch.equal(first, second)


def test_bounds_and_what_lies_within_them_stay_together() -> None:
    bounds, within = drawn(BOUNDS, [3, 1, 2, 0], places={0, 1})
    assert (bounds.tolist(), within.tolist()) == (BOUNDS, [3, 1, 2, 0])


def test_few_integers_and_tables_stay() -> None:
    sizes, table = drawn([3, 1, 2], [[4, 3], [2, 1], [5, 0]], places={0})
    assert (sizes.tolist(), table.tolist()) == ([3, 1, 2], [[4, 3], [2, 1], [5, 0]])


def test_edges_lead_elsewhere_and_as_many_lead_to_each() -> None:
    edges = [[0, 1, 2, 3, 0, 1, 2, 3], [1, 2, 3, 0, 2, 3, 0, 1]]
    (others,) = drawn(edges, places={0})
    assert others.tolist() != edges
    assert all(row.bincount().tolist() == [2, 2, 2, 2] for row in others)


def test_numbers_of_a_table_that_stand_in_order_stay_so() -> None:
    table = [[0, 1, 2, 3], [0, 2, 3, 9]]
    (others,) = drawn(table, places={0})
    assert others[0].tolist() == [0, 1, 2, 3]
    assert others[1].tolist() == sorted(others[1].tolist())


def test_pairs_of_a_table_stay_pairs() -> None:
    pairs = [[4, 30], [2, 10], [5, 0], [7, 70], [1, 11]]
    (others,) = drawn(pairs, places={0})
    assert others.tolist() != pairs
    assert sorted(others.tolist()) == sorted(pairs)


@pytest.mark.parametrize("shape", [(4, 8), (4, 1, 1, 8)])
@pytest.mark.parametrize("numbers", [(False, True), (0.0, float("-inf"))])
def test_what_is_padded_of_each_sequence_is_padded_of_another(shape: tuple[int, ...], numbers: tuple) -> None:
    is_padded = torch.arange(8) >= torch.tensor([3, 8, 1, 5])[:, None]
    mask = torch.where(is_padded, *(torch.tensor(number) for number in numbers[::-1])).reshape(shape)
    (other,) = drawn(mask.tolist(), places={0})
    assert other.shape == mask.shape
    assert other.tolist() != mask.tolist()
    assert sorted(other.tolist()) == sorted(mask.tolist())


def test_who_may_look_at_whom_stays() -> None:
    causal = torch.ones(6, 6, dtype=torch.bool).tril().tolist()
    assert drawn(causal, places={0})[0].tolist() == causal
    assert drawn([[causal]], places={0})[0].tolist() == [[causal]]


def test_what_is_chosen_here_and_there_is_chosen_elsewhere_and_a_length_stays() -> None:
    chosen, length = [True, False, False] * 8, [True] * 5 + [False] * 7
    (others,) = drawn(chosen, places={0})
    assert (sum(others.tolist()), others.tolist() == chosen) == (8, False)
    assert drawn(length, places={0})[0].tolist() == length


def test_sizes_of_levels_stay_where_it_is_said_where_these_begin() -> None:
    sizes, begins = [[8, 8], [4, 2], [2, 2]], [0, 64, 72]
    assert [item.tolist() for item in drawn(sizes, begins, places={0, 1})] == [sizes, begins]


def test_lengths_and_the_mask_that_says_the_same_stay_together() -> None:
    lengths, mask = [3, 8, 1, 5], (torch.arange(8) >= torch.tensor([3, 8, 1, 5])[:, None]).tolist()
    found = drawn(lengths, mask, places={0, 1})
    assert [item.tolist() for item in found] == [lengths, mask]


def test_a_mask_of_ones_keeps_no_bounds_where_they_are() -> None:
    bounds, ones = drawn(BOUNDS, [[True] * 5] * 3, places={0, 1})
    assert bounds.tolist() != BOUNDS
    assert ones.all()


def test_every_seed_gives_another_order() -> None:
    module = ModuleType("task")
    module.get_inputs = lambda: [torch.arange(32).flip(0), torch.zeros(2)]
    how = {"dice": None, "vary": False, "vary_integers": False, "jitter": [], "tame": False, "reorder": [0]}
    found = [make_inputs(module, "cpu", {**how, "seed": seed})[0].tolist() for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
