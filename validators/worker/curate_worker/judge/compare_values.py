"""Lays the values of one leaf of an output beside the reference's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from .equal_choices import names_equal_values
from .error_measure import ErrorMeasure, are_all_in, are_faint, are_finite, chosen_from, flat, pieces
from .expected import Expected
from .leaves import Leaf
from .nudged import still_wrong
from .one_pass import Look, look_at
from .quick_compare import QuickErrors, quickly_right
from .tolerance import FEWEST_OUTLIERS, LOCAL, OUTLIER, OUTLIER_SHARE, Tolerance, looks_like_tensor_float
from .widened_numbers import is_other_rounding
from .wrong_places import in_common

_NEARLY_ALL = 0.5
# Two of a thousand numbers of bfloat16 lie half way between two whole ones when they are quantised; where the zero
# point of a row does, all of the row may be another.
_FEW, _FEW_OF_ALL = 4, 0.1
_BEHIND = 1 << 22
_AS_HALVES = "it errs as if computed in TensorFloat-32 or a half"


@dataclass(frozen=True)
class Errors:
    """How close an output came."""

    max_absolute: float | None
    max_relative: float | None
    rmse: float | None = None
    """Normalised root mean square error; None for values that are compared exactly."""


@dataclass(frozen=True)
class Finding:
    """What the values of one leaf are found to be."""

    errors: Errors
    cause: str = ""
    problem: str | None = None
    """What is wrong with them; None for nothing."""


_WRONG = Finding(Errors(None, None), "WRONG_VALUE", "is wrong")


def judge_values(values: torch.Tensor, expected: Expected, index: int, *, hasty: bool = False) -> Finding:
    """
    Lays values, of the right shape and dtype already, beside those of one leaf; a `hasty` look ends with the first
    piece in which anything is wrong.
    """
    own = expected.own[index].tensor()
    tolerance = expected.tolerances[index]
    if tolerance is None:
        found = _judge_whole(values, own, expected, index, hasty=hasty)
        is_right = found.problem is None or names_equal_values(values, expected, index)
        return Finding(Errors(0.0, 0.0)) if is_right else found
    truth = own if expected.exact is None else expected.exact[index].tensor()
    if hasty and values.is_cuda and _begins_wrong(values, own, truth, tolerance):
        return _WRONG
    look = look_at(values, truth, tolerance)
    quick = _right_at_a_look(values, truth, tolerance, look) if values.is_cuda else None
    if quick is not None:
        return Finding(Errors(quick.largest, quick.largest_relative, quick.relative_rmse))
    found = None if look is None else _judge_from_first((values, own, truth), tolerance, look)
    found = found or _judge_rounded(values, own, truth, tolerance, hasty=hasty)
    is_forgiven = found.problem is not None and is_other_rounding(values, expected, index)
    return Finding(Errors(0.0, 0.0)) if is_forgiven else found


def _judge_whole(values: torch.Tensor, own: torch.Tensor, expected: Expected, index: int, *, hasty: bool) -> Finding:
    given, wanted = _comparable(values), _comparable(own)
    wrong = still_wrong(given, wanted, _others(expected.nudged, index, own))
    if expected.doubtful and (doubtful := expected.doubtful[index]) is not None:
        wrong &= ~_comparable(doubtful).to(wrong.device)
    # Many are no accident of rounding, and to look further takes as many calls of the reference.
    is_few = 0 < int(wrong.sum()) <= max(_FEW, _FEW_OF_ALL * own.numel())
    if is_few and not hasty and expected.further is not None:
        wrong &= still_wrong(given, wanted, _others(expected.further(), index, own))
    # What is neither true nor false nobody wrote, whatever PyTorch takes it for.
    bytes_given = given.view(torch.uint8) if given.dtype == torch.bool else None
    if bytes_given is not None:
        wrong |= bytes_given > 1
    if not bool(wrong.any()):
        return Finding(Errors(0.0, 0.0))
    first = int(wrong.nonzero()[0])
    place = _Place(first, own, int(wrong.sum()))
    shown = given if bytes_given is None or bytes_given[first] <= 1 else bytes_given
    return Finding(Errors(None, None), "WRONG_VALUE", place.text(shown[first].item(), wanted[first].item()))


def _others(nudged: Sequence[Sequence[Leaf]], index: int, own: torch.Tensor) -> list[torch.Tensor]:
    found = [leaves[index].tensor() for leaves in nudged]
    return [_comparable(other).to(own.device) for other in found if other.dtype == own.dtype]


# To find gigabytes right takes as many passes over them; what computes nothing is wrong from the beginning.
def _begins_wrong(values: torch.Tensor, own: torch.Tensor, exact: torch.Tensor, tolerance: Tolerance) -> bool:
    first = next(pieces(values, own, exact), None)
    return first is not None and bool(_wrong_in(first, _farthest(tolerance), values.dtype)[0].any())


def _right_at_a_look(
    values: torch.Tensor, truth: torch.Tensor, tolerance: Tolerance, look: Look | None
) -> QuickErrors | None:
    # Infinities that are the same on both sides are right, and differ by nothing that is a number.
    if look is None or not math.isfinite(look.relative_rmse):
        return quickly_right(values, truth, tolerance)
    is_right = look.num_wrong == 0 and look.relative_rmse <= tolerance.max_rmse
    # Equal numbers are right, however small some of them are.
    if not is_right or (tolerance.faint is not None and look.largest > 0):
        return None
    return QuickErrors(look.largest, look.largest_relative, look.relative_rmse)


# Of gigabytes of which an element is wrong for certain only what lies behind it is looked at more closely. None where
# the reference errs there as well, or few may be wrong.
def _judge_from_first(tensors: tuple[torch.Tensor, ...], tolerance: Tolerance, look: Look) -> Finding | None:
    if look.num_wrong == 0 or tolerance.max_rmse_with_outliers is not None:
        return None
    rows = [flat(item)[look.first_wrong :][:_BEHIND] for item in tensors]
    given, mine, precise = (row.to(torch.float64) for row in rows)
    wrong, truth = _wrong_in((given, mine, precise), tolerance, rows[0].dtype)
    if not bool(wrong[0]):
        return None
    text = _Place(look.first_wrong, tensors[1], look.num_wrong).text(given[0].item(), truth[0].item())
    is_most = look.num_wrong > _NEARLY_ALL * flat(tensors[1]).numel()
    if is_most and looks_like_tensor_float(rows[0], rows[2], tolerance):
        return Finding(Errors(None, None), "PRECISION_LOW", f"{text}; {_AS_HALVES}")
    is_other_kind = bool((wrong & (torch.isfinite(given) != torch.isfinite(mine))).any())
    return Finding(Errors(None, None), "NONFINITE" if is_other_kind else "WRONG_VALUE", text)


# `hasty` ends with the first piece in which anything is wrong, which is wrong as a whole then.
def _judge_rounded(
    values: torch.Tensor, own: torch.Tensor, exact: torch.Tensor, tolerance: Tolerance, *, hasty: bool = False
) -> Finding:
    measure, max_relative = ErrorMeasure(), 0.0
    num_wrong, num_far, first, cause, numbers, offset = 0, 0, -1, "WRONG_VALUE", (0.0, 0.0), 0
    farthest, common = _farthest(tolerance), ""
    for given, mine, precise in pieces(values, own, exact):
        wrong, truth = _wrong_in((given, mine, precise), tolerance, values.dtype)
        if bool(wrong.any()):
            num_far += int(_wrong_in((given, mine, precise), farthest, values.dtype)[0].sum())
            if hasty and num_far:
                return _WRONG
            place = int(wrong.nonzero()[0])
            if first < 0:
                first, numbers = offset + place, (given[place].item(), truth[place].item())
            if bool((wrong & (torch.isfinite(given) != torch.isfinite(mine))).any()):
                cause = "NONFINITE"
            num_wrong += int(wrong.sum())
            common = in_common(wrong, given, truth, own)
        measure.add(given, truth)
        max_relative = max(max_relative, _max_relative(given, truth))
        offset += given.numel()
    if num_wrong and not num_far and _are_outliers(num_wrong, measure, tolerance):
        num_wrong = 0
    if num_wrong > _NEARLY_ALL * flat(own).numel() and looks_like_tensor_float(values, exact, tolerance):
        text = f"{_Place(first, own, num_wrong).text(*numbers)}; {_AS_HALVES}"
        return Finding(Errors(None, None), "PRECISION_LOW", text)
    if num_wrong:
        return Finding(Errors(None, None), cause, _Place(first, own, num_wrong).text(*numbers) + common)
    limit = tolerance.max_rmse
    if measure.relative_rmse > limit and tolerance.widened is not None and are_all_in(values, tolerance.widened):
        limit = tolerance.max_rmse_widened
    if measure.relative_rmse > limit:
        bits, wanted = -math.log2(measure.relative_rmse), -math.log2(limit)
        text = f"is right to {bits:.1f} bits as a whole, {wanted:.1f} are required"
        return Finding(Errors(None, None), "PRECISION_LOW", text)
    if tolerance.faint is not None:
        chosen = are_faint(exact, tolerance.faint.limit)
        rows = (chosen_from(item, chosen) for item in (values, own, exact))
        found = _judge_rounded(*rows, tolerance.faint.tolerance)
        if found.problem is not None:
            return replace(
                found, problem=f"has {int(chosen.sum())} numbers that are small beside the others: {found.problem}"
            )
    return Finding(Errors(measure.largest, max_relative, measure.relative_rmse))


# Which numbers of a piece are wrong, and what they are held against.
def _wrong_in(
    piece: tuple[torch.Tensor, ...], tolerance: Tolerance, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    given, mine, precise = piece
    # What most outputs are can be told in a third of the passes.
    is_usual = are_finite(given, mine, precise)
    # Where higher precision is not finite although the own dtype is, the own dtype is the truth.
    truth = precise if is_usual else torch.where(torch.isfinite(precise), precise, mine)
    is_close = _is_close_and_finite if is_usual else _is_close
    wrong = ~is_close(given, mine, truth, tolerance)
    return wrong if is_usual else wrong & ~_is_too_large_for(dtype, given, truth), truth


# What no element may be beyond.
def _farthest(tolerance: Tolerance) -> Tolerance:
    if tolerance.max_rmse_with_outliers is None:
        return tolerance
    return replace(tolerance, atol=OUTLIER * tolerance.atol, rtol=OUTLIER * tolerance.rtol)


# Few elements beside many that are right, and not the tail of numbers that all err too much.
def _are_outliers(count: int, measure: ErrorMeasure, tolerance: Tolerance) -> bool:
    limit = tolerance.max_rmse_with_outliers
    few = max(FEWEST_OUTLIERS, OUTLIER_SHARE * measure.count)
    return limit is not None and count <= few and measure.relative_rmse <= limit


def _is_close(given: torch.Tensor, own: torch.Tensor, truth: torch.Tensor, tolerance: Tolerance) -> torch.Tensor:
    local = LOCAL * torch.nan_to_num((own - truth).abs(), 0.0, 0.0, 0.0)
    close = (given - truth).abs() <= tolerance.atol + tolerance.rtol * truth.abs() + local
    same = ~torch.isfinite(own) & ((given == own) | (given.isnan() & own.isnan()))
    return (close & torch.isfinite(given) & torch.isfinite(truth)) | same


# Infinity is what a number beyond the largest of a dtype is rounded to, whatever the reference makes of it.
def _is_too_large_for(dtype: torch.dtype, given: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return (truth.abs() > torch.finfo(dtype).max) & (given == truth.sign() * math.inf)


def _is_close_and_finite(
    given: torch.Tensor, own: torch.Tensor, truth: torch.Tensor, tolerance: Tolerance
) -> torch.Tensor:
    allowed = (truth.abs() * tolerance.rtol).add_(tolerance.atol).add_((own - truth).abs_(), alpha=LOCAL)
    return (given - truth).abs_() <= allowed


def _max_relative(given: torch.Tensor, truth: torch.Tensor) -> float:
    if given.numel() == 0:
        return 0.0
    magnitude = torch.maximum(given.abs(), truth.abs())
    relative = (given - truth).abs_().div_(magnitude)
    largest = float(relative.max())
    if math.isfinite(largest):
        return largest
    # Of nothing and of what is not finite there is no share.
    return max(0.0, float(torch.where(torch.isfinite(relative), relative, 0).max()))


# PyTorch cannot compare the wider unsigned integers.
def _comparable(tensor: torch.Tensor) -> torch.Tensor:
    row = tensor.reshape(-1).contiguous()
    if row.dtype in (torch.uint16, torch.uint32):
        return row.to(torch.int64)
    return row.view(torch.int64) if row.dtype == torch.uint64 else row


@dataclass(frozen=True)
class _Place:
    """Where an output is wrong."""

    first: int
    tensor: torch.Tensor
    num_wrong: int

    def text(self, given: complex, wanted: complex) -> str:
        # A complex number counts as two neighbours.
        position = self.first // (2 if self.tensor.is_complex() else 1)
        # Not PyTorch's function of the name, which imports SymPy, a second of every judge.
        indices = np.unravel_index(position, self.tensor.shape) if self.tensor.dim() else ()
        return (
            f"differs first at {[int(index) for index in indices]}: {_number(given)}, expected {_number(wanted)};"
            f" {self.num_wrong} of {flat(self.tensor).numel()} elements are out of tolerance"
        )


def _number(value: complex) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)
