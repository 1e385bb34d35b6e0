# SPDX-License-Identifier: Apache-2.0
"""Root-mean-square normalisation with a learned weight."""

import torch
import triton
import triton.language as tl
from torch import nn


@triton.jit
def _rms_norm_kernel(x_ptr, weight_ptr, out_ptr, row_stride, n_cols, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * row_stride + cols, mask=mask, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + cols, mask=mask, other=0.0).to(tl.float32)
    mean_square = tl.sum(x * x, axis=0) / n_cols
    out = x * tl.rsqrt(mean_square + eps) * weight
    tl.store(out_ptr + row * row_stride + cols, out, mask=mask)


def _rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    shape = x.shape
    x = x.reshape(-1, shape[-1]).contiguous()
    out = torch.empty_like(x)
    n_rows, n_cols = x.shape
    _rms_norm_kernel[(n_rows,)](
        x, weight, out, x.stride(0), n_cols, eps, BLOCK_SIZE=triton.next_power_of_2(n_cols)
    )
    return out.reshape(shape)


class RMSNorm(nn.Module):
    """Normalises the last dimension by its root mean square and scales it by a weight."""

    def __init__(self, hidden_size: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _rms_norm(x, self.weight, self.eps)
