"""
The judge's digests of gigabytes on a GPU, in one pass instead of two: a kernel of our own, as for comparing
(one_pass.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import torch

from .. import digests
from ..values import Parcel

LEAST_WORDS: Final = 1 << 22
"""Of fewer the second pass costs nothing."""
_PIECE: Final = 1 << 28
_BLOCKS, _THREADS = 1056, 256
SOURCE: Final = """
extern "C" __global__ void sum_words(const unsigned long long* words, int count, int start_high, int start_low,
                                     const unsigned long long* odd, unsigned long long* total) {
    unsigned long long start = ((unsigned long long)start_high << 30) + start_low, sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        sum += words[i] * (2 * (start + i) * *odd + 1);
    for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_down_sync(~0u, sum, lane);
    if (threadIdx.x % 32 == 0) atomicAdd(total, sum);
}
"""


def digests_of(parcel: Parcel) -> list[str]:
    """As those that a candidate's process computes."""
    return digests.digests_of(parcel, sum_of_words)


def digests_of_numbers(parcel: Parcel) -> list[str]:
    """As those that a candidate's process computes."""
    return digests.digests_of_numbers(parcel, sum_of_words)


def sum_of_words(words: torch.Tensor) -> torch.Tensor:
    """Each word times an odd number of its own, all together."""
    kernel = _compiled() if words.is_cuda and words.numel() >= LEAST_WORDS else None
    return digests.sum_of_words(words) if kernel is None else _sum(kernel, words)


def _sum(kernel: Callable[..., None], words: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(1, dtype=torch.int64, device=words.device)
    for start in range(0, words.numel(), _PIECE):
        piece = words[start : start + _PIECE]
        numbers = piece.numel(), start >> 30, start & ((1 << 30) - 1)
        kernel(grid=(_BLOCKS, 1, 1), block=(_THREADS, 1, 1), args=[piece, *numbers, _odd(words.device), total])
    return total[0]


# Arguments are numbers of 32 bits there, or tensors.
@cache
def _odd(device: torch.device) -> torch.Tensor:
    return torch.tensor([digests.ODD], dtype=torch.int64, device=device)


# A function of PyTorch without a promise, as the underscore says: where it is another one, both passes remain.
@cache
def _compiled() -> Callable[..., None] | None:
    try:
        compiled = torch.cuda._compile_kernel(SOURCE, "sum_words")
        known = torch.arange(-(1 << 16), 1 << 16, device="cuda") * 0x123456789ABCDEF
        return compiled if int(_sum(compiled, known)) == int(digests.sum_of_words(known)) else None
    except Exception:
        return None
