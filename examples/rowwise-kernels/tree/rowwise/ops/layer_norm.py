# SPDX-License-Identifier: BSD-3-Clause
"""Layer normalisation with gradients."""

import torch
import triton
import triton.language as tl


@triton.jit
def _layer_norm_kernel(
    x_ptr, weight_ptr, bias_ptr, out_ptr, mean_ptr, rstd_ptr, row_stride, n_cols, eps, BLOCK_SIZE: tl.constexpr
):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * row_stride + cols, mask=mask, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=0) / n_cols
    centred = tl.where(mask, x - mean, 0.0)
    rstd = tl.rsqrt(tl.sum(centred * centred, axis=0) / n_cols + eps)
    weight = tl.load(weight_ptr + cols, mask=mask, other=0.0).to(tl.float32)
    bias = tl.load(bias_ptr + cols, mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + row * row_stride + cols, centred * rstd * weight + bias, mask=mask)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)


class LayerNormFunction(torch.autograd.Function):
    """Keeps mean and reciprocal deviation of the forward pass, so that the backward pass need not read x twice."""

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        x = x.contiguous()
        n_rows, n_cols = x.shape
        out = torch.empty_like(x)
        mean = torch.empty(n_rows, dtype=torch.float32, device=x.device)
        rstd = torch.empty(n_rows, dtype=torch.float32, device=x.device)
        block_size = triton.next_power_of_2(n_cols)
        _layer_norm_kernel[(n_rows,)](
            x, weight, bias, out, mean, rstd, x.stride(0), n_cols, eps, BLOCK_SIZE=block_size
        )
        ctx.save_for_backward(x, weight, mean, rstd)
        return out

    @staticmethod
    def backward(ctx, grad_out):
        x, weight, mean, rstd = ctx.saved_tensors
        normalised = (x.float() - mean[:, None]) * rstd[:, None]
        grad = grad_out.float()
        grad_normalised = grad * weight.float()
        grad_x = grad_normalised - grad_normalised.mean(dim=1, keepdim=True)
        grad_x = grad_x - normalised * (grad_normalised * normalised).mean(dim=1, keepdim=True)
        grad_x = grad_x * rstd[:, None]
        grad_weight = (grad * normalised).sum(dim=0)
        return grad_x.to(x.dtype), grad_weight.to(weight.dtype), grad.sum(dim=0).to(weight.dtype), None


def layer_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Layer normalisation of each row of a matrix."""
    return LayerNormFunction.apply(x, weight, bias, eps)
