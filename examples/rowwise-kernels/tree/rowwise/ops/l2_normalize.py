"""Scales each row to length one."""

import torch
import triton
import triton.language as tl


@triton.jit
def _l2_normalize_kernel(x_ptr, out_ptr, row_stride, n_cols, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * row_stride + cols, mask=mask, other=0.0).to(tl.float32)
    length = tl.sqrt(tl.sum(x * x, axis=0))
    tl.store(out_ptr + row * row_stride + cols, x / tl.maximum(length, eps), mask=mask)


def l2_normalize(x: torch.Tensor, eps: float = 1e-12) -> torch.Tensor:
    """Each row of a contiguous matrix divided by its Euclidean length."""
    x = x.contiguous()
    out = torch.empty_like(x)
    n_rows, n_cols = x.shape
    block_size = triton.next_power_of_2(n_cols)
    _l2_normalize_kernel[(n_rows,)](x, out, x.stride(0), n_cols, eps, BLOCK_SIZE=block_size)
    return out
