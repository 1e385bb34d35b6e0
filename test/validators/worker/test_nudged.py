"""What rounding of inputs would change is not held against a candidate, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import torch
from curate_worker.judge.compare import compare
from curate_worker.judge.expected import Expected, Usual, expect, is_fit_to_judge
from curate_worker.judge.faults import Verdict
from curate_worker.judge.leaves import leaves_of
from curate_worker.judge.nudged import doubtful_indices, nudges_for
from curate_worker.runner.oracle import _inputs_in, run_in_precision
from curate_worker.values import pack, unpack


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


def is_accepted(output: object, expected: Expected) -> bool:
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


def test_a_whole_number_that_was_widened_may_be_its_neighbour_where_rounding_decides() -> None:
    given = torch.randn(64, generator=torch.Generator().manual_seed(0)).abs()
    given[3], given[7] = 2.5, 4.0
    expected = expected_of(lambda x: (x * 2).trunc(), given)
    other = (given * 2).trunc()
    other[3] = 4.0
    assert is_accepted(other, expected)
    other[7] = 9.0
    assert not is_accepted(other, expected)


def roughly_expected(function: Callable, given: torch.Tensor) -> Expected:
    """What must come out on inputs that are drawn otherwise than the task says."""
    own = pack(function(given))
    parcel, moves = pack([given]), [{"seed": seed, "units": 1.0, "is_rough": True} for seed in range(2)]
    moved = [function(_inputs_in(torch.float64, parcel, "cpu", move)[0]) for move in moves]
    leaves = leaves_of(own)
    doubtful = [doubtful_indices(leaf, [leaves_of(pack(item))[0] for item in moved]) for leaf in leaves]
    return replace(expect(own, pack(function(given.double()))), doubtful=doubtful)


def test_indices_that_half_of_the_digits_do_not_tell_are_not_compared_on_unusual_inputs() -> None:
    dice = torch.Generator().manual_seed(0)
    points, codes = (torch.randn(rows, 8, generator=dice) * 2.0**-10 for rows in (64, 32))
    points[:, 3] = codes[:, 3] = 16.0
    # One is as far from all of them as usual.
    points[:8] = codes[5]
    points[:8, 3] = 0.0
    codes[5, 3] = 1.0

    def nearest(x: torch.Tensor) -> torch.Tensor:
        distances = torch.cdist(x, codes.to(x.dtype), compute_mode="donot_use_mm_for_euclid_dist")
        return distances.argmin(1)

    expected = roughly_expected(nearest, points)
    quick = (codes.square().sum(1) - 2 * points @ codes.t()).argmin(1)
    assert bool((quick != nearest(points)).any())
    assert is_accepted(quick, expected)
    quick[2] = (quick[2] + 1) % 32
    assert not is_accepted(quick, expected)
    usual = Usual.of(expect(pack(nearest(points)), pack(nearest(points.double()))))
    assert is_fit_to_judge(expected, usual)
    assert not is_fit_to_judge(roughly_expected(nearest, points[8:]), usual)
    assert roughly_expected(lambda x: x > 0, points).doubtful == [None]


def of_ties(function: object, given: torch.Tensor, *, chosen: torch.Tensor) -> tuple[object, Expected]:
    """What a function gives, with other indices, and what is expected if the reference chose these."""
    values, _ = function(given)
    expected = expect(pack((values, chosen)), None)
    return values, replace(expected, inputs=pack((given,)))


def test_where_the_reference_names_any_of_equal_values_others_may_name_another() -> None:
    given = torch.tensor([[3.0, 1.0, 2.0, 2.0, 2.0], [5.0, 4.0, 4.0, 4.0, 1.0]])
    values, expected = of_ties(lambda x: x.median(1), given, chosen=torch.tensor([4, 2]))
    assert is_accepted((values, torch.tensor([2, 3])), expected)
    assert not is_accepted((values, torch.tensor([1, 3])), expected)
    assert not is_accepted((values, torch.tensor([-1, 3])), expected)


def test_where_the_reference_names_the_first_of_equal_values_so_must_others() -> None:
    given = torch.tensor([[3.0, 1.0, 2.0, 2.0, 2.0], [5.0, 4.0, 4.0, 4.0, 1.0]])
    values, expected = of_ties(lambda x: x.median(1), given, chosen=torch.tensor([2, 1]))
    assert not is_accepted((values, torch.tensor([3, 1])), expected)


def test_equal_values_may_stand_in_any_order_and_none_twice() -> None:
    given = torch.tensor([[3.0, 1.0, 2.0, 2.0, 2.0]])
    values, expected = of_ties(lambda x: x.topk(3, 1), given, chosen=torch.tensor([[0, 4, 2]]))
    assert is_accepted((values, torch.tensor([[0, 3, 4]])), expected)
    assert not is_accepted((values, torch.tensor([[0, 3, 3]])), expected)


def quantised(given: torch.Tensor) -> torch.Tensor:
    """Rows of whole numbers up to 127."""
    wide = given.to(torch.promote_types(given.dtype, torch.float32))
    return torch.round(wide / (wide.abs().amax(-1, keepdim=True) / 127)).to(torch.int8)


def test_what_was_given_in_half_precision_is_rounded_in_float32() -> None:
    given = torch.randn(400, 512, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    wide = given.float()
    output = torch.round(wide * (127 / wide.abs().amax(-1, keepdim=True))).to(torch.int8)
    own, parcel = pack(quantised(given)), pack([given])
    places = [{"seed": seed, "units": 4.0} for seed in range(24)]
    coarse = [pack(quantised(_inputs_in(torch.float64, parcel, "cpu", move)[0])) for move in places[:6]]
    fine = [
        leaves_of(pack(quantised(_inputs_in(torch.float64, parcel, "cpu", move | {"is_fine": True})[0])))
        for move in places
    ]
    expected = expect(own, pack(quantised(given.double())), nudged=coarse)
    assert not is_accepted(output, expected)
    assert is_accepted(output, replace(expected, further=lambda: fine))
    assert not is_accepted(output + (torch.arange(512) == 0).to(torch.int8), replace(expected, further=lambda: fine))


def test_where_few_are_wrong_parameters_are_rounded_as_well() -> None:
    model, move = torch.nn.Linear(3, 4), {"seed": 0, "units": 4.0}
    given, how = pack([torch.zeros(3)]), ("float64", "cpu", {})
    nudges = (move, move | {"is_fine": True})
    moved = [unpack(run_in_precision(model, ModuleType("m"), given, how, nudge), "cpu")[0] for nudge in nudges]
    assert [torch.equal(item, model.bias.double()) for item in moved] == [True, False]
    assert torch.allclose(moved[1], model.bias.double(), rtol=1e-6)
