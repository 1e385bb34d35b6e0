"""Limits the length of each row, for gradients that blow up."""

import torch
import triton
import triton.language as tl


@triton.jit
def clip_rows_kernel(x_ptr, row_stride, n_cols, max_length, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * row_stride + cols, mask=mask, other=0.0)
    length = tl.sqrt(tl.sum(x * x, axis=0))
    scale = tl.minimum(max_length / (length + 1e-6), 1.0)
    tl.store(x_ptr + row * row_stride + cols, x * scale, mask=mask)


def clip_rows_(x: torch.Tensor, max_length: float) -> torch.Tensor:
    n_rows, n_cols = x.shape
    clip_rows_kernel[(n_rows,)](x, x.stride(0), n_cols, max_length, BLOCK_SIZE=triton.next_power_of_2(n_cols))
    return x
