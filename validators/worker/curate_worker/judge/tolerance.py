"""
How far an output may be from the exact result: calibrated from the reference's own error against float64.

An element passes if |out - exact| <= atol + rtol * |exact| + LOCAL * |own - exact|, where `own` is the reference in its
own dtype. The whole output passes if its normalised root mean square error is at most 3 times the reference's own, or
below a floor. With u the unit roundoff of the dtype (2^-24 for float32, 2^-11 for float16, 2^-8 for bfloat16):

| output | from inputs | atol | rtol | floor of the error as a whole |
|---|---|---|---|---|
| float32, float64 | any but half | 32 q99.9(error), >= 2 u rms | 32 u | 2^-16, 2^-40 |
| half | any | rtol * rms | 8 q99.9(error / (size + rms)), >= 2 u | 1.25 u |
| float32, all of it halves | half | the same | 2 u of the half | 1.25 u of the half |
| float32, not all halves | half | the same | 2 u of the half | 0.5 u of the half |
| float8 | any | rtol * rms | 2 q99.9(error / (size + rms)), >= 2 u | 2^-8 |

The constants, and what they are for:
- FACTOR 8 for half precision (a fused kernel rounds less often than eager), 32 for float32 and float64: adding n terms
  one after another errs about sqrt(n / width) times more than the blocked sums of eager's libraries, and 32 covers 4096
  terms on a width of 4; TensorFloat-32 errs at least 500 times more.
- Halves are rounded in proportion to their size, so their error is measured in proportion to it; a quantile of plain
  errors is that of the largest elements, and let small ones be wrong.
- 1.25 u is three times the error of one rounding as a whole (u / sqrt(3), less what the mantissa's place takes off).
- LOCAL 4: where the problem is badly conditioned (a division by nearly nothing), the reference errs there too.
- Float32 outputs of half inputs: launchers return halves that an adapter widens, and tensor cores are given halfway
  results in half precision (Dao et al. 2022, FlashAttention: the probabilities). The first shows, since every number is
  a half; the second errs by less than one rounding as a whole, since what is rounded is summed up afterwards.
- There, one element in 4096, and two at least, may err twice as much, where all together err by less than 0.75 u: an
  element in which two large probabilities of one row meet errs by as much as they do, not as the others. Sums kept in a
  half err by 0.85 u over all from eight partial sums on, a probability and an output that are rounded by 0.63 u at most
  (300 draws each of an attention of 96 keys, and of products of 1024 terms).
- In float8 the whole errs at most 1.25 times as much as the reference: what is rounded once to 3 or 4 bits errs alike,
  however it was computed. A factor of 0.97 errs 1.5 times as much.
- Of n numbers the root mean square itself is uncertain: its limit is raised by 1 + 1 / sqrt(n).
- The floor for float32, 2^-16, lies 20 times below TensorFloat-32 (2^-11 per factor), 250 times above exact rounding.
- UNUSUAL 4, in float32 on inputs drawn otherwise than the task says: of terms that are added one by one to a much
  larger one each loses up to half a unit, in one direction. TensorFloat-32 still errs 10 times more than that. Elements
  in half precision may err 2 times as much there, all together not more: few are large, and may be rounded twice.
- TensorFloat-32, where a recipe allows it in float32 outputs: 8 times 2^-11 of size and rms per element, 4 times as a
  whole: each of two factors is rounded to 11 bits, and two products may follow one another.
- Where a twentieth of the numbers that are not zero lies below an eighth of atol (a 512th in half precision), as beside
  a mask of -1e9, these are held against a tolerance of their own as well. On usual inputs only: elsewhere formulas
  that lose small numbers, such as 0.5 + 0.5 tanh(x / 2), are honest.
- A float64 output has no run in higher precision. Without one, the reference's own output counts as exact, and the
  tolerance is 256 u (4 u for half precision, 2 u for float8).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..tensors import DTYPES
from .error_measure import are_faint, chosen_from, count_faint, flat, measure_error
from .leaves import Leaf

LOCAL = 4.0
RMSE_FACTOR = 3.0
_RMSE_NOISE = 1.0
_UNUSUAL, _UNUSUAL_HALF = 4.0, 2.0
# LOCAL and once more for the reference itself, twice because another call may err more.
_OWN_ERRORS = 2 * (1 + LOCAL)
_TENSOR_FLOAT = 2.0**-11
_TENSOR_FLOAT_FACTOR, _TENSOR_FLOAT_RMSE = 8.0, 4.0
_QUANTILE = 0.999
_MAX_SAMPLES = 1_000_000

_QUARTER = {getattr(torch, name) for name in DTYPES if name.startswith("float8_")}
_EXACT = {torch.float64, torch.complex128}
_HALF = {torch.float16, torch.bfloat16}
_ROUNDING = {
    torch.float64: 2.0**-53,
    torch.float32: 2.0**-24,
    torch.float16: 2.0**-11,
    torch.bfloat16: 2.0**-8,
    torch.complex128: 2.0**-53,
    torch.complex64: 2.0**-24,
}
_FLOORS = {torch.float64: 2.0**-40, torch.float32: 2.0**-16}
_QUARTER_ROUNDING, _QUARTER_FLOOR, _RMSE_FACTOR_OF_QUARTER = 2.0**-4, 2.0**-8, 1.25
_FLOOR_OF_HALVES, _FLOOR_BETWEEN, _WITH_OUTLIERS = 1.25, 0.5, 0.75
OUTLIER, OUTLIER_SHARE, FEWEST_OUTLIERS = 2.0, 2.0**-12, 2
_LEAST_SLOPE = 2.0
_FACTORS_WITHOUT_ORACLE = {2.0: 2.0, 8.0: 4.0, 32.0: 256.0}
_FAINT, _FAINT_HALF, _FAINT_SHARE, _LEAST_FAINT, _MOST_LEVELS = 2.0**-3, 2.0**-9, 0.05, 32, 3
_IMPLAUSIBLE_RMSE, _IMPLAUSIBLE_RMSE_HALF = 1e-2, 0.25


@dataclass(frozen=True)
class FaintNumbers:
    """Numbers up to a limit, beside which the others of their tensor are enormous."""

    limit: float
    tolerance: Tolerance


@dataclass(frozen=True)
class Tolerance:
    """What one leaf of an output is held against."""

    atol: float
    rtol: float
    max_rmse: float
    """Largest normalised root mean square error."""
    reference_error: float | None
    """Largest error of the reference in its own dtype; None where nothing more exact is known."""
    reference_rmse: float | None = None
    """Its normalised root mean square error; None likewise."""
    widened: torch.dtype | None = None
    """Half precision that a float32 output may have been in before; None where there is no such excuse."""
    max_rmse_widened: float = 0.0
    """Largest normalised root mean square error of an output that was in `widened` throughout."""

    max_rmse_with_outliers: float | None = None
    """Largest such error of an output of which few elements may err twice as much; None where none may."""
    slack: float = _UNUSUAL_HALF
    """How many times that an element may err on unusual inputs."""
    slack_over_all: float = 1.0
    """How many times that all together may."""

    faint: FaintNumbers | None = None
    """Numbers that `atol` does not see, and what they are held against; None where there are few."""
    reference_rms: float = 0.0
    """Root mean square of what is exact."""
    relaxed_from: float | None = None
    """`max_rmse` before it was raised to what is lost on usual inputs."""

    @property
    def own_max_rmse(self) -> float:
        """`max_rmse` as it was calibrated."""
        return self.max_rmse if self.relaxed_from is None else self.relaxed_from

    def at_least(self, usual: Tolerance, rms: float) -> Tolerance:
        """This or, where that is more, what is allowed on usual inputs in absolute terms; `rms` is of what is exact."""
        share = usual.reference_rms / rms if rms > 0 else 0.0
        limits = (
            max(self.max_rmse, share * usual.max_rmse),
            max(self.max_rmse_widened, share * usual.max_rmse_widened),
        )
        atol = max(self.atol, usual.atol)
        return replace(self, atol=atol, max_rmse=limits[0], max_rmse_widened=limits[1], relaxed_from=self.max_rmse)

    def around_own(self) -> Tolerance:
        """What outputs are held against where all that is known is the reference's own, with its error."""
        error, rmse = self.reference_error or 0.0, self.reference_rmse or 0.0
        limits = {name: getattr(self, name) + _OWN_ERRORS * rmse for name in ("max_rmse", "max_rmse_widened")}
        return replace(self, atol=self.atol + _OWN_ERRORS * error, **limits)

    def for_unusual_inputs(self) -> Tolerance:
        """What outputs are held against where inputs are drawn otherwise than the task says."""
        limits = {name: self.slack * getattr(self, name) for name in ("atol", "rtol")}
        limits |= {"max_rmse": self.slack_over_all * self.max_rmse}
        # Which is what outliers may err by already.
        return replace(self, **limits, max_rmse_with_outliers=None)


def is_rounded(leaf: Leaf) -> bool:
    """Whether a leaf's values are rounded; all others are compared exactly."""
    if leaf.descriptor is None:
        return leaf.is_number()
    dtype = leaf.tensor().dtype
    return dtype.is_floating_point or dtype.is_complex


def calibrate(own: Leaf, exact: Leaf | None, input_dtypes: Sequence[torch.dtype] = ()) -> Tolerance:
    """
    The tolerance for one leaf, from the reference in its own dtype and in higher precision, and from the dtypes of the
    inputs.
    """
    # A number of Python comes out of a tensor, whatever precision it is kept in afterwards.
    dtype = torch.float32 if own.descriptor is None else own.tensor().dtype
    widened = _widened_from(dtype, input_dtypes)
    unit = _unit(dtype if widened is None else widened)
    if exact is None or dtype in _EXACT:
        size = measure_error(own.tensor(), own.tensor())
        factor = _FACTORS_WITHOUT_ORACLE[_factor(dtype if widened is None else widened)]
        return Tolerance(factor * unit * size.rms_of_truth, factor * unit, max(_floor(dtype), factor * unit), None)
    error = measure_error(own.tensor(), exact.tensor())
    atol, rtol = _element_limits(own.tensor(), exact.tensor(), error.rms_of_truth, dtype)
    factor = _RMSE_FACTOR_OF_QUARTER if dtype in _QUARTER else RMSE_FACTOR
    of_reference, noise = factor * error.relative_rmse, 1 + _RMSE_NOISE / math.sqrt(max(1, error.count))
    known = (error.largest, error.relative_rmse)
    if widened is None:
        slack = (_UNUSUAL_HALF, 1.0) if dtype in _HALF | _QUARTER else (_UNUSUAL, _UNUSUAL)
        limit = max(of_reference, _floor(dtype)) * noise
        sizes = {"slack": slack[0], "slack_over_all": slack[1], "reference_rms": error.rms_of_truth}
        return Tolerance(atol, rtol, limit, *known, **sizes)
    rtol = max(rtol, _LEAST_SLOPE * unit)
    limits = [max(of_reference, share * unit) * noise for share in (_FLOOR_BETWEEN, _FLOOR_OF_HALVES)]
    rms = error.rms_of_truth
    sizes = {"max_rmse_with_outliers": _WITH_OUTLIERS * unit * noise, "reference_rms": rms}
    return Tolerance(max(atol, rtol * rms), rtol, limits[0], *known, widened, limits[1], **sizes)


def with_faint_numbers(tolerance: Tolerance, own: torch.Tensor, exact: torch.Tensor, depth: int = 0) -> Tolerance:
    """The same, and a tolerance of their own for numbers that are too small to be seen by it, if these are many."""
    limit = tolerance.atol * (_FAINT_HALF if own.dtype in _HALF | _QUARTER else _FAINT)
    count, known = count_faint(exact, limit)
    if depth >= _MOST_LEVELS or count < max(_LEAST_FAINT, _FAINT_SHARE * known):
        return tolerance
    chosen = are_faint(exact, limit)
    mine, true = chosen_from(own, chosen), chosen_from(exact, chosen)
    error = measure_error(mine, true)
    atol, rtol = _element_limits(mine, true, error.rms_of_truth, own.dtype)
    limits = (max(RMSE_FACTOR * error.relative_rmse, _floor(own.dtype)), error.largest, error.relative_rmse)
    faint = with_faint_numbers(Tolerance(atol, rtol, *limits), mine, true, depth + 1)
    return replace(tolerance, faint=FaintNumbers(limit, faint))


def allowing_tensor_float(tolerance: Tolerance, own: Leaf) -> Tolerance:
    """The tolerance for one leaf where products of float32 may be TensorFloat-32."""
    if own.descriptor is None or own.tensor().dtype != torch.float32:
        return tolerance
    unit = _TENSOR_FLOAT_FACTOR * _TENSOR_FLOAT
    rms = measure_error(own.tensor(), own.tensor()).rms_of_truth
    return replace(
        tolerance,
        atol=max(tolerance.atol, unit * rms),
        rtol=max(tolerance.rtol, unit),
        max_rmse=max(tolerance.max_rmse, _TENSOR_FLOAT_RMSE * _TENSOR_FLOAT),
        slack=1.0,
        slack_over_all=1.0,
    )


def looks_like_tensor_float(values: torch.Tensor, truth: torch.Tensor, tolerance: Tolerance) -> bool:
    """Whether a float32 output errs as if its products had been TensorFloat-32: a little, nearly everywhere."""
    if values.dtype != torch.float32 or tolerance.rtol >= _TENSOR_FLOAT:
        return False
    return measure_error(values, truth).relative_rmse <= _TENSOR_FLOAT_FACTOR * _TENSOR_FLOAT


def is_plausible(own: Leaf, exact: Leaf) -> bool:
    """Whether the higher precision still means the same: a reference that quantises on purpose differs grossly."""
    dtype = own.tensor().dtype
    if own.tensor().shape != exact.tensor().shape:
        return False
    limit = _IMPLAUSIBLE_RMSE_HALF if dtype in _HALF | _QUARTER else _IMPLAUSIBLE_RMSE
    return measure_error(own.tensor(), exact.tensor()).relative_rmse <= limit


def _widened_from(dtype: torch.dtype, input_dtypes: Sequence[torch.dtype]) -> torch.dtype | None:
    halves = [given for given in input_dtypes if given in _HALF]
    return max(halves, key=_unit) if dtype == torch.float32 and halves else None


def _unit(dtype: torch.dtype) -> float:
    return _ROUNDING.get(dtype, _QUARTER_ROUNDING)


def _element_limits(own: torch.Tensor, exact: torch.Tensor, rms: float, dtype: torch.dtype) -> tuple[float, float]:
    unit, factor = _unit(dtype), _factor(dtype)
    if dtype in _HALF | _QUARTER:
        slope = max(factor * _error_quantile(own, exact, rms), _LEAST_SLOPE * unit)
        return slope * rms, slope
    return max(factor * _error_quantile(own, exact, None), 2 * unit * rms), factor * unit


def _factor(dtype: torch.dtype) -> float:
    if dtype in _QUARTER:
        return 2.0
    return 8.0 if dtype in _HALF else 32.0


def _floor(dtype: torch.dtype) -> float:
    if dtype in _HALF:
        return _FLOOR_OF_HALVES * _unit(dtype)
    return _FLOORS.get(dtype, 2.0**-16 if dtype.is_complex else _QUARTER_FLOOR)


# Evenly spaced elements: the same every time, and bounded for any size. With `rms`, errors in proportion to the size.
def _error_quantile(own: torch.Tensor, exact: torch.Tensor, rms: float | None) -> float:
    step = max(1, flat(own).numel() // _MAX_SAMPLES)
    truth = flat(exact)[::step].to(torch.float64)
    error = (flat(own)[::step].to(torch.float64) - truth).abs()
    if rms is not None:
        error = error / (truth.abs() + rms).clamp(min=torch.finfo(torch.float64).tiny)
    # No sum with an infinity or NaN is finite.
    if not math.isfinite(float(error.sum())):
        error = error[torch.isfinite(error)]
    if error.numel() == 0:
        return 0.0
    rank = max(1, math.ceil(_QUANTILE * error.numel()))
    # Few are larger, and finding these is faster than looking for the one.
    return float(error.topk(error.numel() - rank + 1, sorted=False).values.min())
