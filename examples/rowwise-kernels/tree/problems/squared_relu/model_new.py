# SPDX-License-Identifier: Apache-2.0
import torch
import triton
import triton.language as tl
from torch import nn


@triton.jit
def _squared_relu_kernel(x_ptr, gain_ptr, out_ptr, n_cols, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=mask, other=0.0)
    gain = tl.load(gain_ptr + cols, mask=mask, other=0.0)
    positive = tl.maximum(x, 0.0)
    tl.store(out_ptr + row * n_cols + cols, positive * positive * gain, mask=mask)


class ModelNew(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.gain = nn.Parameter(torch.linspace(0.5, 1.5, features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.contiguous()
        out = torch.empty_like(x)
        rows, features = x.shape
        block_size = 128
        _squared_relu_kernel[(rows, triton.cdiv(features, block_size))](
            x, self.gain, out, features, BLOCK_SIZE=block_size
        )
        return out
