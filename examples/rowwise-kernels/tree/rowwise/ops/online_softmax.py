# SPDX-License-Identifier: MIT
"""Softmax of rows of any length: the maximum and the sum are updated together, block by block."""

import torch
import triton
import triton.language as tl


@triton.jit
def _online_softmax_kernel(out_ptr, x_ptr, row_stride, n_cols, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    x_row = x_ptr + row * row_stride
    out_row = out_ptr + row * row_stride
    running_max = tl.full([1], float("-inf"), dtype=tl.float32)
    running_sum = tl.zeros([1], dtype=tl.float32)
    for start in range(0, n_cols, BLOCK_SIZE):
        cols = start + tl.arange(0, BLOCK_SIZE)
        x = tl.load(x_row + cols, mask=cols < n_cols, other=float("-inf")).to(tl.float32)
        new_max = tl.maximum(running_max, tl.max(x, axis=0))
        running_sum = running_sum * tl.exp(running_max - new_max) + tl.sum(tl.exp(x - new_max), axis=0)
        running_max = new_max
    for start in range(0, n_cols, BLOCK_SIZE):
        cols = start + tl.arange(0, BLOCK_SIZE)
        mask = cols < n_cols
        x = tl.load(x_row + cols, mask=mask, other=float("-inf")).to(tl.float32)
        tl.store(out_row + cols, tl.exp(x - running_max) / running_sum, mask=mask)


def online_softmax(x: torch.Tensor) -> torch.Tensor:
    """Softmax of each row of a contiguous matrix with rows of any length."""
    x = x.contiguous()
    out = torch.empty_like(x)
    n_rows, n_cols = x.shape
    _online_softmax_kernel[(n_rows,)](out, x, x.stride(0), n_cols, BLOCK_SIZE=128)
    return out
