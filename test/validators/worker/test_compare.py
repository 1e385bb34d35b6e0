"""Comparison of outputs: what honest rounding passes, and what does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from curate_worker.judge.compare import compare
from curate_worker.judge.error_measure import _PIECE
from curate_worker.judge.expected import by_own, expect
from curate_worker.judge.faults import Verdict
from curate_worker.judge.log_text import of_unforeseen_inputs
from curate_worker.judge.quick_compare import QuickErrors, quickly_right
from curate_worker.judge.tolerance import Tolerance
from curate_worker.tensors import DTYPES
from curate_worker.values import pack


def verdict_on(output: object, own: object, exact: object, inputs: object = ()) -> str | None:
    """The cause of a refusal, or None."""
    try:
        compare(pack(output), expect(pack(own), None if exact is None else pack(exact), pack(list(inputs)).tensors))
    except Verdict as found:
        return found.cause
    return None


@pytest.fixture
def product() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(24, 4096), torch.randn(4096, 16)


def one_by_one(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(x.shape[0], y.shape[1])
    for k in range(x.shape[1]):
        total += torch.outer(x[:, k], y[k])
    return total


def as_tf32(tensor: torch.Tensor) -> torch.Tensor:
    # Round to nearest on the 10 bits that TensorFloat-32 keeps.
    bits = tensor.view(torch.int32)
    return ((bits + 0x0FFF + ((bits >> 13) & 1)) & ~0x1FFF).view(torch.float32)


def test_a_float32_sum_added_term_by_term_passes(
    product: tuple[torch.Tensor, torch.Tensor],
) -> None:
    x, y = product
    assert verdict_on(one_by_one(x, y), x @ y, x.double() @ y.double()) is None


def test_tensorfloat32_in_place_of_float32_is_refused(
    product: tuple[torch.Tensor, torch.Tensor],
) -> None:
    x, y = product
    cheat = (as_tf32(x).double() @ as_tf32(y).double()).float()
    assert verdict_on(cheat, x @ y, x.double() @ y.double()) == "PRECISION_LOW"


def test_half_precision_in_place_of_float32_is_refused(
    product: tuple[torch.Tensor, torch.Tensor],
) -> None:
    x, y = product
    assert verdict_on((x.bfloat16() @ y.bfloat16()).float(), x @ y, x.double() @ y.double()) == "PRECISION_LOW"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_fused_half_kernel_that_rounds_once_passes(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 256).to(dtype)
    own = torch.softmax(x * 2 + 1, dim=-1)
    fused = torch.softmax(x.float() * 2 + 1, dim=-1).to(dtype)
    assert verdict_on(fused, own, torch.softmax(x.double() * 2 + 1, dim=-1)) is None


def half_product(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    x, y = torch.randn(64, 1024).to(dtype), torch.randn(1024, 32).to(dtype)
    return x, y, x.float() @ y.float(), x.double() @ y.double()


def added_in_half(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(x.shape[0], y.shape[1], dtype=torch.float16)
    for k in range(0, x.shape[1], 128):
        total = (total + x[:, k : k + 128].float() @ y[k : k + 128].float()).half()
    return total.float()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_float32_output_of_half_inputs_may_have_been_a_half_once(dtype: torch.dtype) -> None:
    x, y, own, exact = half_product(dtype)
    assert verdict_on(own.to(dtype).float(), own, exact, [x, y]) is None
    assert verdict_on(own.to(dtype).float(), own, exact) is not None
    assert verdict_on(added_in_half(x, y), own, exact, [x, y]) == (None if dtype == torch.bfloat16 else "WRONG_VALUE")


@pytest.mark.parametrize(("dtype", "share"), [(torch.float16, 1e-3), (torch.bfloat16, 5e-3)])
def test_a_term_that_is_left_out_is_seen_in_half_precision_as_well(dtype: torch.dtype, share: float) -> None:
    x, y, own, exact = half_product(dtype)
    assert verdict_on(own * (1 + share), own, exact, [x, y]) == "PRECISION_LOW"
    assert verdict_on((own * (1 + share)).to(dtype), own.to(dtype), exact, [x, y]) == "PRECISION_LOW"


def test_small_elements_are_not_held_to_the_error_of_large_ones() -> None:
    torch.manual_seed(0)
    exact = torch.cat([torch.randn(4000, dtype=torch.float64) * 30, torch.randn(4000, dtype=torch.float64) * 0.1])
    own = exact.bfloat16()
    wrong = own.clone()
    wrong[-1] += 2.0
    assert verdict_on(own.clone(), own, exact) is None
    assert verdict_on(wrong, own, exact) == "WRONG_VALUE"


def test_a_single_number_is_no_excuse() -> None:
    own = torch.tensor(10.93, dtype=torch.float64).bfloat16()
    exact = torch.tensor(10.93, dtype=torch.float64)
    assert verdict_on(torch.tensor(10.98).bfloat16(), own, exact) is None
    assert verdict_on(torch.tensor(11.1).bfloat16(), own, exact) in ("WRONG_VALUE", "PRECISION_LOW")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_one_wrong_element_is_refused(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    exact = torch.randn(5000, dtype=torch.float64)
    wrong = exact.to(dtype).clone()
    wrong[4999] += 0.5
    assert verdict_on(exact.to(dtype), exact.to(dtype), exact) is None
    assert verdict_on(wrong, exact.to(dtype), exact) == "WRONG_VALUE"


def test_a_missing_epsilon_is_refused_where_it_matters() -> None:
    torch.manual_seed(0)
    x = torch.randn(16, 64) * 0.01
    exact = torch.nn.functional.layer_norm(x.double(), (64,), eps=1e-5)
    without = torch.nn.functional.layer_norm(x, (64,), eps=1e-12)
    assert verdict_on(without, torch.nn.functional.layer_norm(x, (64,), eps=1e-5), exact) == "WRONG_VALUE"


def test_precision_that_is_low_everywhere_is_refused_although_no_element_is_far_off() -> None:
    torch.manual_seed(0)
    exact = torch.randn(4096, dtype=torch.float64)
    own = exact.float()
    own[:8] *= 1 + 2e-3
    blurred = (exact * (1 + 1e-3 * torch.randn(4096, dtype=torch.float64))).float()
    assert verdict_on(blurred, own, exact) in ("WRONG_VALUE", "PRECISION_LOW")


def test_where_the_reference_itself_is_badly_conditioned_others_may_be_as_well() -> None:
    exact = torch.full((1000,), 1.0, dtype=torch.float64)
    own = exact.float()
    own[7] = 1.01
    other = exact.float()
    other[7] = 0.98
    assert verdict_on(other, own, exact) is None
    other[8] = 0.98
    assert verdict_on(other, own, exact) == "WRONG_VALUE"


def test_not_a_number_must_be_where_the_reference_has_it() -> None:
    own = torch.tensor([1.0, math.nan, math.inf, -math.inf])
    assert verdict_on(own.clone(), own, own.double()) is None
    for index in range(4):
        other = own.clone()
        other[index] = 5.0 if index else math.nan
        assert verdict_on(other, own, own.double()) == "NONFINITE"
    flipped = own.clone()
    flipped[2] = -math.inf
    assert verdict_on(flipped, own, own.double()) == "WRONG_VALUE"


def test_a_number_whose_square_is_too_large_to_be_one_is_wrong() -> None:
    own = torch.tensor(3.0, dtype=torch.float64)
    assert verdict_on(torch.tensor(1e300, dtype=torch.float64), own, None) == "WRONG_VALUE"


@pytest.mark.parametrize("off", [0.9, 1.1])
def test_a_number_that_is_not_finite_changes_nothing_for_the_others(off: float) -> None:
    torch.manual_seed(0)
    exact = torch.randn(3000, dtype=torch.float64)
    own = exact.float()
    allowed = expect(pack(own), pack(exact)).tolerances[0]
    assert allowed is not None
    other = own.clone()
    other[77] += off * (allowed.atol + allowed.rtol * abs(float(exact[77])))
    alone = verdict_on(other, own, exact)
    for tensor in (other, own, exact):
        tensor[5] = math.nan
    assert alone == verdict_on(other, own, exact) == (None if off < 1 else "WRONG_VALUE")


def test_outputs_of_many_pieces_are_measured_as_a_whole() -> None:
    exact = torch.ones(3 * _PIECE + 5, dtype=torch.float64)
    other = exact.float()
    other[-1] = 1 + 2.0**-20
    errors = compare(pack(other), expect(pack(exact.float()), pack(exact)))
    assert errors.max_absolute == 2.0**-20
    assert errors.max_relative == 2.0**-20 / (1 + 2.0**-20)
    other[_PIECE] = 2
    assert verdict_on(other, exact.float(), exact) == "WRONG_VALUE"


def test_a_kernel_that_does_not_overflow_where_the_reference_does_passes() -> None:
    exact = torch.tensor([70000.0, 1.0], dtype=torch.float64)
    own = torch.tensor([math.inf, 1.0], dtype=torch.float16)
    near = torch.tensor([65504.0, 1.0], dtype=torch.float16)
    assert verdict_on(own.clone(), own, exact) is None
    assert verdict_on(near, own, exact) in (None, "NONFINITE")


def test_infinity_is_right_where_the_exact_number_is_beyond_the_largest_of_its_dtype() -> None:
    own = torch.cat([torch.randn(1000), torch.tensor([-3.3e38, math.nan])])
    exact = torch.cat([own[:1000].double(), torch.tensor([-1.9e39, 1.9e39], dtype=torch.float64)])
    given = torch.cat([own[:1000], torch.tensor([-math.inf, math.inf])])
    assert verdict_on(given, own, exact) is None
    for other in (math.inf, math.nan):
        changed = given.clone()
        changed[1000] = other
        assert verdict_on(changed, own, exact) is not None
    small = given.clone()
    small[3] = math.inf
    assert verdict_on(small, own, exact) == "NONFINITE"


@pytest.mark.parametrize("name", sorted(DTYPES))
def test_every_dtype_can_be_compared_with_itself(name: str) -> None:
    raw = torch.arange(64, dtype=torch.uint8) % 2
    tensor = raw.view(torch.bool) if name == "bool" else raw.to(torch.float32).to(DTYPES[name])
    exact = tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
    assert verdict_on(tensor.clone(), tensor, exact) is None
    other = tensor.clone()
    other[5] = 0
    assert verdict_on(other, tensor, exact) == "WRONG_VALUE"


def test_numbers_too_large_to_tell_an_error_by_are_the_fault_of_the_task() -> None:
    huge = torch.full((4,), 1e300, dtype=torch.float64)
    assert verdict_on(huge.clone(), huge, huge) == "TOLERANCE_UNCALIBRATED"


def test_integers_must_be_equal() -> None:
    own = torch.tensor([2**62, 5, -1])
    other = own.clone()
    other[0] += 1
    assert verdict_on(own.clone(), own, None) is None
    assert verdict_on(other, own, None) == "WRONG_VALUE"


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (torch.zeros(3), "WRONG_STRUCTURE"),
        ([torch.zeros(3)], "WRONG_STRUCTURE"),
        ((torch.zeros(3), 2), "WRONG_VALUE"),
        ((torch.zeros(3), 1.0), "WRONG_VALUE"),
        ((torch.zeros(3), True), "WRONG_VALUE"),
        ((torch.zeros(3), None), "WRONG_VALUE"),
        ((torch.zeros(3), torch.tensor(1)), "WRONG_STRUCTURE"),
        ((torch.zeros(4), 1), "WRONG_SHAPE"),
        ((torch.zeros(3, 1), 1), "WRONG_SHAPE"),
        ((torch.zeros(3).double(), 1), "WRONG_DTYPE"),
        ([torch.zeros(3), 1], None),
    ],
)
def test_structure_is_compared_before_values(output: object, cause: str | None) -> None:
    assert verdict_on(output, (torch.zeros(3), 1), None) == cause


def test_names_of_a_dictionary_count_and_their_order_does_not() -> None:
    own = {"a": torch.zeros(2), "b": torch.ones(2)}
    assert verdict_on({"b": torch.ones(2), "a": torch.zeros(2)}, own, own) is None
    assert verdict_on({"a": torch.zeros(2)}, own, own) == "WRONG_STRUCTURE"
    assert verdict_on({"a": torch.ones(2), "b": torch.zeros(2)}, own, own) == "WRONG_VALUE"


def test_a_number_is_compared_like_a_tensor_of_one() -> None:
    assert verdict_on(1.0 + 1e-17, 1.0, 1.0) is None
    assert verdict_on(1.001, 1.0, 1.0) == "WRONG_VALUE"


def test_layout_does_not_change_the_comparison() -> None:
    own = torch.randn(6, 7)
    assert verdict_on(own.t().contiguous().t(), own, own.double()) is None


def test_the_message_names_the_first_wrong_place() -> None:
    own = torch.zeros(3, 4, dtype=torch.int64)
    wrong = own.clone()
    wrong[1, 2] = 9
    with pytest.raises(Verdict) as caught:
        compare(pack(wrong), expect(pack(own), None))
    assert caught.value.log == "output differs first at [1, 2]: 9, expected 0; 1 of 12 elements are out of tolerance"


def test_numbers_beside_which_others_are_enormous_have_a_tolerance_of_their_own() -> None:
    exact = torch.randn(64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    exact = torch.where(exact > 0, -1e9, exact.clamp(min=-1))
    expected = expect(pack(exact.float()), pack(exact))
    compare(pack(exact.float()), expected)
    output = pack(exact.float().where(exact < -1, torch.zeros(())))
    with pytest.raises(Verdict) as found:
        compare(output, expected)
    assert "small beside the others" in found.value.log


def test_an_output_without_elements_is_compared_like_any_other() -> None:
    expected = expect(pack(torch.empty(0, 3)), pack(torch.empty(0, 3, dtype=torch.float64)))
    compare(pack(torch.empty(0, 3)), expected)


def around_own(output: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> str | None:
    """The cause of a refusal where only the reference's own output is known, and tolerances of another call."""
    other = torch.randn_like(x)
    tolerances = expect(pack(other @ y), pack(other.double() @ y.double())).tolerances
    try:
        compare(pack(output), by_own(pack(x @ y), tolerances, []))
    except Verdict as found:
        return found.cause
    return None


def test_around_the_references_own_output_the_right_passes_and_the_wrong_does_not(
    product: tuple[torch.Tensor, torch.Tensor],
) -> None:
    x, y = product
    assert around_own((x.double() @ y.double()).float(), x, y) is None
    assert around_own(one_by_one(x, y), x, y) is None
    assert around_own(torch.zeros(24, 16), x, y) == "WRONG_VALUE"
    assert around_own(torch.randn_like(x) @ y, x, y) == "WRONG_VALUE"
    assert around_own(as_tf32(x) @ as_tf32(y), x, y) == "PRECISION_LOW"


@pytest.mark.parametrize("name", [name for name in DTYPES if name in ("float8_e4m3fn", "float8_e5m2")])
def test_numbers_in_eight_bits_are_judged_where_the_judge_computes(name: str) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    exact = torch.cat([torch.linspace(1, 100, 4000), torch.linspace(0.01, 0.1, 4000)]).to(device)
    own = exact.to(DTYPES[name])
    assert verdict_on(own.clone(), own, exact.double()) is None
    assert verdict_on(own.clone(), own, None) is None
    assert verdict_on((2 * exact).to(DTYPES[name]), own, exact.double()) == "WRONG_VALUE"


@pytest.mark.parametrize(
    ("precision", "num_zeros", "atol", "rtol"),
    [(torch.float32, 50_000, 1e-6, 0.0), (torch.float64, 0, 1e-6, 0.0), (torch.float32, 50_000, 1e-12, 1e-6)],
)
def test_a_quick_look_says_what_a_close_one_says_of_a_right_output_and_nothing_of_another(
    precision: torch.dtype, num_zeros: int, atol: float, rtol: float
) -> None:
    torch.manual_seed(0)
    truth = torch.rand(100_003, dtype=precision) + 1e-3
    truth[:num_zeros] = 0
    tolerance = Tolerance(atol=atol, rtol=rtol, max_rmse=2.0**-16, reference_error=None)
    right = (truth * (1 + 1e-7 * torch.randn(100_003, dtype=precision))).to(torch.float32)
    found, errors = quickly_right(right, truth, tolerance), (right - truth).abs()
    assert found is not None
    assert found.largest == pytest.approx(float(errors.max()), rel=1e-6)
    assert found.largest_relative == pytest.approx(float((errors / truth).nan_to_num(0).max()), rel=1e-3)
    assert found.relative_rmse == pytest.approx(float(errors.norm() / truth.norm()), rel=1e-3)
    for place, value in [(0, 2e-6), (100_002, math.nan), (70_000, math.inf), (70_000, 2.0)]:
        wrong = right.clone()
        wrong[place] = value
        assert quickly_right(wrong, truth, tolerance) is None
    biased = (truth + 0.9 * (atol + rtol * truth)).to(torch.float32)
    assert quickly_right(biased, truth, replace(tolerance, max_rmse=1e-7)) is None
    assert quickly_right(right, right.clone(), tolerance) == QuickErrors(0.0, 0.0, 0.0)
    assert quickly_right(torch.full((9,), math.nan), torch.full((9,), math.nan), tolerance) is None
    assert quickly_right(torch.full((9,), 1e-30), torch.zeros(9), tolerance) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda out: out[:, 30:].add_(1.0), ", all from index 30 of dimension 1 on"),
        (lambda out: out[5].mul_(1.25), ", all at index 5 of dimension 0, each 1.25 times what is expected"),
        (lambda out: out[2:4].zero_(), ", all at indices 2 to 3 of dimension 0, each 0"),
        (lambda out: out.mul_(-1.0), ", each -1 times what is expected"),
        (lambda out: out[::2, ::3].add_(1.0), ""),
        (lambda out: out[3, 3].add_(1.0), ""),
    ],
)
def test_what_wrong_numbers_have_in_common_is_told(change: Callable[[torch.Tensor], object], told: str) -> None:
    torch.manual_seed(0)
    exact = torch.rand(16, 32, dtype=torch.float64) + 1
    output = exact.float()
    change(output)
    with pytest.raises(Verdict) as caught:
        compare(pack(output), expect(pack(exact.float()), pack(exact)))
    assert caught.value.log.partition("out of tolerance")[2] == told
    assert of_unforeseen_inputs(caught.value.log).endswith("* of * elements are out of tolerance")


def test_few_elements_of_half_inputs_may_err_more_where_all_together_err_little() -> None:
    torch.manual_seed(0)
    unit, exact = 2.0**-8, torch.randn(1 << 15, dtype=torch.float64)
    # What a probability costs that is rounded to a half.
    near = exact * (1 + 0.5 * unit * (2 * torch.rand_like(exact) - 1))
    limit = 2 * unit * (exact.square().mean().sqrt() + exact.abs())

    def judged(count: int, share: float, given: torch.Tensor = near, *, is_half: bool = False) -> str | None:
        output = given.clone()
        output[:count] = exact[:count] + share * limit[:count]
        output = output.bfloat16() if is_half else output
        return verdict_on(output.float(), exact.float(), exact, [torch.zeros(1, dtype=torch.bfloat16)])

    assert [judged(8, 1.5), judged(8, 1.5, is_half=True), judged(0, 0.0)] == [None] * 3
    # One too many, one too far, and the tail of numbers that all err too much: six roundings of a half each.
    assert [judged(9, 1.5), judged(1, 2.1)] == ["WRONG_VALUE"] * 2
    many = exact * (1 + 1.6 * unit * (2 * torch.rand_like(exact) - 1))
    assert [judged(0, 0.0, many, is_half=True), judged(8, 1.5, many, is_half=True)] == [None, "WRONG_VALUE"]
