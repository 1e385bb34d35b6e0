# SPDX-License-Identifier: MIT
"""Softmax over the last dimension of a matrix."""

import torch
import triton
import triton.language as tl


@triton.jit
def _softmax_kernel(out_ptr, x_ptr, stride, out_stride, n_cols, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * stride + cols, mask=mask, other=float("-inf")).to(tl.float32)
    x = x - tl.max(x, axis=0)
    numerator = tl.exp(x)
    denominator = tl.sum(numerator, axis=0)
    tl.store(out_ptr + row * out_stride + cols, numerator / denominator, mask=mask)


def softmax(x: torch.Tensor) -> torch.Tensor:
    """Softmax of each row. One program holds one whole row, so rows of more than 64 Ki elements are refused."""
    n_rows, n_cols = x.shape
    block_size = triton.next_power_of_2(n_cols)
    assert block_size <= 65536, "a row must fit into the registers of one program"
    out = torch.empty_like(x)
    num_warps = 8 if block_size >= 2048 else 4
    _softmax_kernel[(n_rows,)](
        out, x, x.stride(0), out.stride(0), n_cols, BLOCK_SIZE=block_size, num_warps=num_warps
    )
    return out
