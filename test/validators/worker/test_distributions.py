"""What inputs are drawn from besides the task's own distribution."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest
import torch
from curate_worker.judge.distributions import DISTRIBUTIONS, distributions_of, is_of_use, may_name_places
from curate_worker.judge.expected import Usual, expect, is_fit_to_judge
from curate_worker.runner.dice import LoadedDice
from curate_worker.runner.inputs import make_inputs
from curate_worker.values import pack

LOW, HIGH = 3, 9
SCALE, EPSILON = 2.0, 1e-5
HIGHEST_EXPONENT, NEXT_TO_NOTHING = 88.7, 1e-16
FAR, TEN = 8.0, 10.0


def drawn(name: str | None, get_inputs: object, **how: object) -> list:
    options = {"seed": 5, "dice": name, "vary": False, "vary_integers": False, "jitter": [], "tame": False, **how}
    return make_inputs(SimpleNamespace(get_inputs=get_inputs), "cpu", options)


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_what_follows_from_what_was_drawn_still_follows(name: str) -> None:
    (usual,) = drawn(None, lambda: [torch.randn(20, 30)])
    wild, chances, indices = drawn(
        name, lambda: [torch.randn(20, 30), torch.randn(20, 30).softmax(-1), torch.randint(LOW, HIGH, (50,))]
    )
    assert not torch.equal(usual, wild)
    assert torch.allclose(chances.sum(-1), torch.ones(20))
    assert LOW <= int(indices.min()) <= int(indices.max()) < HIGH


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_same_seed_draws_the_same_in_every_dtype(name: str, dtype: torch.dtype) -> None:
    def get_inputs() -> list:
        known = torch.empty(3, 4, dtype=dtype).normal_(2.0, 0.5)
        return [torch.randn(6, 7, dtype=dtype), torch.rand(5, dtype=dtype), known, torch.randn(())]

    first, second = drawn(name, get_inputs), drawn(name, get_inputs)
    assert all(torch.equal(mine, other) for mine, other in zip(first, second, strict=True))
    assert first[0].dtype == dtype
    tame = drawn(name, get_inputs, tame=True)
    assert 0 <= float(tame[1].min()) <= float(tame[1].max()) <= 1


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_what_was_drawn_is_gone_with_the_last_who_has_it(name: str) -> None:
    shape = (41, 7)
    gc.collect()
    gc.disable()
    try:
        drawn(name, lambda: [torch.rand(*shape), torch.randn(*shape)])
        left = [item for item in gc.get_objects() if isinstance(item, torch.Tensor) and item.shape == shape]
    finally:
        gc.enable()
    assert left == []


def test_uniform_numbers_that_are_given_as_they_are_fall_below_zero_as_well() -> None:
    def get_inputs() -> list:
        weights = torch.rand(40, 5)
        return [torch.rand(40, 5), torch.rand(9).half(), weights / weights.sum(-1, keepdim=True), torch.rand(9) < 1 / 2]

    plain, half, shares, chosen = drawn("by-row", get_inputs)
    assert (plain < 0).any() and (half < 0).any()
    assert (shares >= 0).all() and torch.allclose(shares.sum(-1), torch.ones(40))
    assert chosen.dtype == torch.bool
    assert all((item >= 0).all() for item in drawn("by-row", get_inputs, tame=True)[:3])


def test_what_is_filled_with_uniform_numbers_is_taken_for_these() -> None:
    def get_inputs() -> list:
        return [torch.empty(40, 5).uniform_(), torch.empty(40, 5).uniform_(0, 1), torch.empty(40, 5).uniform_(0, 2)]

    plain, named, larger = drawn("by-row", get_inputs)
    assert (plain < 0).any() and (named < 0).any() and (larger >= 0).all()
    assert float(drawn("small", get_inputs, tame=True)[1].max()) < 1 / 512


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_uniform_numbers_times_a_size_fall_below_zero_where_they_are_no_places(dtype: torch.dtype) -> None:
    def get_inputs() -> list:
        shares = torch.rand(30, dtype=dtype)
        return [torch.rand(40, 5, dtype=dtype) * 10, torch.rand(40, 5, dtype=dtype) + 1, shares / shares.sum()]

    scaled, above_one, shares = drawn("by-row", get_inputs, scaled=True)
    assert (shares >= 0).all()
    assert float(scaled.min()) < -TEN and float(scaled.max()) > TEN
    assert (above_one >= 1).all()
    assert (drawn("by-row", get_inputs)[0] >= 0).all()
    assert (drawn("by-row", get_inputs, scaled=True, tame=True)[0] >= 0).all()


def test_a_task_that_makes_whole_numbers_of_its_inputs_is_given_places() -> None:
    assert may_name_places("def forward(self, x, at):\n    return x[at.floor().long()]")
    assert not may_name_places("def forward(self, x):\n    return torch.relu(x).mean()")


def test_the_last_number_matters_where_mass_is_peaked() -> None:
    with LoadedDice("peaked"):
        x = torch.randn(4, 1000)
    assert int(x[-1].argmax()) == x.shape[-1] - 1
    assert (x.abs() > 1).sum(-1).tolist() == [1, 1, 1, 1]
    assert int(x.argmax()) == x.numel() - 1
    assert (int(x[-2].argmin()), float(x[-2].min()) < -1) == (x.shape[-1] - 1, True)


def test_mass_is_peaked_where_uniform_numbers_are_given_as_they_are() -> None:
    (x,) = drawn("peaked", lambda: [torch.rand(3, 5, 50)])
    assert int(x.argmax()) == x.numel() - 1
    assert ((x.abs() > 1).sum(-1) == 1).all()
    (tame,) = drawn("peaked", lambda: [torch.rand(3, 5, 50)], tame=True)
    assert 0 <= float(tame.min()) <= float(tame.max()) <= 1


def test_a_seed_of_the_references_own_changes_nothing() -> None:
    def get_inputs() -> list:
        torch.manual_seed(0)
        return [torch.randn(3)]

    assert not torch.equal(*drawn(None, get_inputs), *drawn(None, get_inputs, seed=6))


def test_what_says_the_same_everywhere_is_moved_apart_and_nothing_else() -> None:
    def get_inputs() -> list:
        return [torch.ones(8), torch.zeros(8), torch.arange(8.0), torch.ones(8, dtype=torch.int64)]

    ones, zeros, steps, whole = drawn(None, get_inputs, vary=True)
    assert (ones >= 1).all() and ones.unique().numel() > 1
    assert (zeros >= 0).all() and zeros.unique().numel() > 1
    assert torch.equal(steps, torch.arange(8.0)) and torch.equal(whole, torch.ones(8, dtype=torch.int64))


def test_numbers_that_no_seed_changes_are_changed() -> None:
    known, other = drawn(None, lambda: [torch.tensor([0.0, 1.0, -2.0]), torch.ones(2)], jitter=[0])
    assert torch.equal(other, torch.ones(2))
    share = (known / torch.tensor([1.0, 1.0, -2.0]) - 1).abs()
    assert known[0] == 0 and (share[1:] <= 1 / 2).all() and (share[1:] > 0).all()


def test_what_comes_twice_in_a_row_is_changed_to_what_comes_twice() -> None:
    half = torch.arange(12.0).reshape(3, 4).cos()
    (table,) = drawn(None, lambda: [torch.cat([half, half], -1)], jitter=[0])
    assert torch.equal(table[:, :4], table[:, 4:])
    assert ((table[:, :4] / half - 1).abs() > 0).all()
    (alike,) = drawn(None, lambda: [half[:1].expand(3, 4)], jitter=[0])
    assert alike.unique().numel() == alike.numel()


def test_where_the_reference_itself_is_lost_it_does_not_judge() -> None:
    own = torch.randn(100)
    usual = Usual.of(expect(pack(own), pack(own.double())))
    assert is_fit_to_judge(expect(pack(own * 8), pack(own.double() * 8), usual=usual), usual)
    assert not is_fit_to_judge(expect(pack(own), pack(own.double() * 1.01), usual=usual), usual)
    assert not is_fit_to_judge(expect(pack(own * torch.nan), pack(own.double()), usual=usual), usual)


def test_a_cheaper_mode_asks_for_fewer() -> None:
    counts = [len(distributions_of(mode)) for mode in ("screen", "standard", "certify")]
    assert counts == sorted(set(counts)) and counts[-1] == len(DISTRIBUTIONS)


def test_what_both_sides_get_under_two_names_stays_the_same() -> None:
    def get_inputs() -> list:
        bias, known = torch.zeros(5), torch.tensor([1.0, 2.0])
        return [bias, bias.clone(), torch.ones(5), known, known]

    mine, theirs, other, first, second = drawn(None, get_inputs, vary=True, jitter=[3, 4])
    assert torch.equal(mine, theirs) and not torch.equal(mine, other - 1)
    assert torch.equal(first, second) and not torch.equal(first, torch.tensor([1.0, 2.0]))
    (again, *_) = drawn(None, get_inputs, vary=True, seed=6)
    assert not torch.equal(mine, again)


def test_what_says_the_same_for_long_and_then_something_else_stays_as_it_is() -> None:
    padded = torch.cat([torch.zeros(10_000), torch.ones(1)])
    same, counts = drawn(None, lambda: [padded, padded.long() + 1], vary=True, vary_integers=True)
    assert torch.equal(same, padded) and torch.equal(counts, padded.long() + 1)


def test_no_choice_is_judged_where_rounding_decides_it() -> None:
    routed = "weights, chosen = torch.softmax(self.gate(x), 1).topk(2, 1)"
    wide = {"is_wide": True}
    assert [name for name in DISTRIBUTIONS if not is_of_use(name, routed, is_exact=False, **wide)] == ["extreme"]
    assert [name for name in DISTRIBUTIONS if not is_of_use(name, "x.sum(1)", is_exact=True, **wide)] == ["extreme"]
    assert all(is_of_use(name, "torch.softmax(x, 1)", is_exact=False, **wide) for name in DISTRIBUTIONS)


def test_numbers_too_large_for_half_precision_are_drawn_where_they_are_of_bfloat16() -> None:
    usual = [name for name in DISTRIBUTIONS if is_of_use(name, "x @ y", is_exact=False)]
    assert [name for name in DISTRIBUTIONS if name not in usual] == ["wide"]
    (values,) = drawn("wide", lambda: [torch.randn(64, 64, dtype=torch.bfloat16)])
    assert values.isfinite().all() and (values.float() @ values.float()).half().isinf().any()


def test_of_several_rows_one_is_below_zero_and_one_above() -> None:
    for shape in ((2, 50), (40, 50), (1, 3, 50)):
        (values,) = drawn("by-row", lambda shape=shape: [torch.randn(shape)])
        first, last = values.reshape(-1, 50)[0], values.reshape(-1, 50)[-1]
        assert first.median() < -FAR and last.median() > FAR


def test_extremes_overflow_in_one_tensor_and_vanish_in_all_without_ties() -> None:
    x, y = drawn("extreme", lambda: [torch.randn(64, 32), torch.randn(64, 32)])
    assert float(x.max()) > HIGHEST_EXPONENT > float(y.max())
    assert all((item.abs().amax(1) < NEXT_TO_NOTHING).any() for item in (x, y))
    assert all(item.unique().numel() == item.numel() for item in (x, y))


def test_masks_of_ones_and_equal_lengths_become_others_and_sizes_stay() -> None:
    def get_inputs() -> list:
        return [torch.ones(40, 6, dtype=torch.bool), torch.full((40,), 24), torch.tensor([7, 7]), torch.zeros(9).long()]

    mask, lengths, sizes, zeros = drawn(None, get_inputs, vary_integers=True)
    assert mask[:, 0].all() and not mask.all()
    assert int(lengths.max()) == 24 and 12 <= int(lengths.min()) < 24  # noqa: PLR2004
    assert sizes.tolist() == [7, 7] and not zeros.any()


def test_numbers_that_are_no_tensors_are_others_and_the_same_ones_each_time() -> None:
    def get_inputs() -> list:
        return [torch.zeros(2), SCALE, 3, True, {"eps": EPSILON}]

    module = SimpleNamespace(get_inputs=get_inputs)
    how = {"dice": None, "vary": False, "vary_integers": False, "jitter": [], "tame": False, "numbers": 4}
    found = [make_inputs(module, "cpu", {**how, "seed": seed})[1:] for seed in (1, 2)]
    assert found[0] == found[1]
    assert found[0][1:3] == [3, True]
    assert found[0][0] != SCALE
    assert found[0][0] == pytest.approx(SCALE, rel=0.25)
    assert found[0][3]["eps"] != EPSILON
