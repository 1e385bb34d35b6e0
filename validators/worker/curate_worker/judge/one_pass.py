"""
Errors of gigabytes on a GPU in one pass over them, by a kernel of our own that NVRTC compiles in a third of a second:
operators of PyTorch take fifteen passes for the same, and comparing was a sixth of what judging such a kernel took.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import torch

from .tolerance import Tolerance

LEAST_NUMBERS: Final = 1 << 24
"""Of fewer the passes cost nothing."""
_PIECE: Final = 1 << 28
_BLOCKS, _THREADS = 1056, 256
_FIELDS: Final = 5
_SOURCE: Final = """
extern "C" __global__ void look(const float* given, const TRUTH* truth, int count, int start_high, int start_low,
                                double atol, double rtol, double* found, unsigned long long* first) {
    double largest = 0, error = 0, size = 0, relative = 0, wrong = 0;
    unsigned long long nearest = ~0ull;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        double mine = given[i], known = truth[i], apart = fabs(mine - known), whole = fabs(known);
        // NaN is within nothing.
        if (!(apart <= atol + rtol * whole)) {
            wrong += 1;
            if (nearest == ~0ull) nearest = i;
        }
        largest = fmax(largest, apart);
        error += apart * apart;
        size += whole * whole;
        if (apart > 0) relative = fmax(relative, (double)((float)apart / (float)fmax(fabs(mine), whole)));
    }
    __shared__ double all[5][THREADS];
    double own[5] = {largest, error, size, relative, wrong};
    for (int k = 0; k < 5; ++k) all[k][threadIdx.x] = own[k];
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            for (int k = 0; k < 5; ++k) {
                double other = all[k][threadIdx.x + half], here = all[k][threadIdx.x];
                all[k][threadIdx.x] = k == 0 || k == 3 ? fmax(here, other) : here + other;
            }
        __syncthreads();
    }
    if (threadIdx.x < 5) found[threadIdx.x * gridDim.x + blockIdx.x] = all[threadIdx.x][0];
    unsigned long long start = ((unsigned long long)start_high << 30) + start_low;
    if (nearest != ~0ull) atomicMin(first, start + nearest);
}
"""


@dataclass(frozen=True)
class Look:
    """What one pass sees of numbers beside what they should be."""

    largest: float
    """Largest error; what is not finite is in `num_wrong` and, if it is NaN, not here."""
    relative_rmse: float
    """Not finite where anything is not."""
    largest_relative: float
    """Of errors in the larger of both numbers."""
    num_wrong: int
    """Elements beyond `atol + rtol * |truth|`."""
    first_wrong: int
    """Place of the first of them."""


def look_at(values: torch.Tensor, truth: torch.Tensor, tolerance: Tolerance) -> Look | None:
    """One pass over float32 numbers and their truth, both on a GPU; None where they are few, or nothing is compiled."""
    if not values.is_cuda or values.dtype != torch.float32 or truth.dtype not in (torch.float32, torch.float64):
        return None
    if values.shape != truth.shape or values.numel() < LEAST_NUMBERS:
        return None
    kernel = _compiled(truth.dtype)
    return None if kernel is None else _look(kernel, values.reshape(-1), truth.reshape(-1), tolerance)


def compile_ahead() -> None:
    """Compiles it, before a GPU's memory is waited for."""
    _compiled(torch.float32)
    _compiled(torch.float64)


def _look(kernel: Callable[..., None], values: torch.Tensor, truth: torch.Tensor, tolerance: Tolerance) -> Look:
    starts = range(0, values.numel(), _PIECE)
    found = torch.zeros(len(starts), _FIELDS, _BLOCKS, dtype=torch.float64, device=values.device)
    first = torch.full((1,), torch.iinfo(torch.int64).max, dtype=torch.int64, device=values.device)
    limits = float(tolerance.atol), float(tolerance.rtol)
    for place, start in enumerate(starts):
        given, known = values[start : start + _PIECE], truth[start : start + _PIECE]
        numbers = given.numel(), start >> 30, start & ((1 << 30) - 1)
        arguments = [given, known, *numbers, *limits, found[place], first]
        kernel(grid=(_BLOCKS, 1, 1), block=(_THREADS, 1, 1), args=arguments)
    largest, error, size, relative, wrong = found.transpose(0, 1).reshape(_FIELDS, -1).unbind(0)
    told = torch.stack([largest.max(), relative.max(), error.sum(), size.sum(), wrong.sum(), first[0].double()])
    most, share, squared_error, squared_size, num_wrong, place = told.tolist()
    rmse = math.sqrt(squared_error / squared_size) if squared_size > 0 else (math.inf if squared_error else 0.0)
    return Look(most, rmse, share, int(num_wrong), int(place))


def source_for(truth: torch.dtype) -> str:
    """The kernel in CUDA, for a truth in float32 or float64."""
    kind = "float" if truth == torch.float32 else "double"
    return _SOURCE.replace("TRUTH", kind).replace("THREADS", str(_THREADS))


# A function of PyTorch without a promise, as the underscore says: where it is another one, the passes remain.
@cache
def _compiled(truth: torch.dtype) -> Callable[..., None] | None:
    try:
        compiled = torch.cuda._compile_kernel(source_for(truth), "look")
        return compiled if _agrees(compiled, truth) else None
    except Exception:
        return None


# Nobody is judged by a kernel that was compiled wrong.
def _agrees(kernel: Callable[..., None], truth: torch.dtype) -> bool:
    known = torch.arange(-4, 4, device="cuda").to(truth)
    given = (known * torch.tensor([1, 1, 1, 1.5, 1, 1, 1, 1], device="cuda")).to(torch.float32)
    found = _look(kernel, given, known, Tolerance(0.0, 0.25, 1.0, None))
    wanted = Look(0.5, math.sqrt(0.25 / 44), 1 / 3, 1, 3)
    pairs = zip(vars(found).values(), vars(wanted).values(), strict=True)
    return all(math.isclose(mine, its, rel_tol=1e-6) for mine, its in pairs)
