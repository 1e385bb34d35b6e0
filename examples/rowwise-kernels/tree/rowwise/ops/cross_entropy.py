# SPDX-License-Identifier: BSD-3-Clause
"""Cross entropy of logits and class indices, with the log-sum-exp that a z-loss needs."""

import torch
import triton
import triton.language as tl


@triton.jit
def _cross_entropy_kernel(
    logits_ptr, target_ptr, loss_ptr, lse_ptr, row_stride, n_classes, BLOCK_SIZE: tl.constexpr
):
    row = tl.program_id(0)
    logits_row = logits_ptr + row * row_stride
    cols = tl.arange(0, BLOCK_SIZE)
    logits = tl.load(logits_row + cols, mask=cols < n_classes, other=float("-inf")).to(tl.float32)
    largest = tl.max(logits, axis=0)
    lse = largest + tl.log(tl.sum(tl.exp(logits - largest), axis=0))
    target = tl.load(target_ptr + row)
    picked = tl.load(logits_row + target).to(tl.float32)
    tl.store(loss_ptr + row, lse - picked)
    tl.store(lse_ptr + row, lse)


def cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and log-sum-exp of each row, both float32."""
    logits = logits.contiguous()
    n_rows, n_classes = logits.shape
    loss = torch.empty(n_rows, dtype=torch.float32, device=logits.device)
    lse = torch.empty_like(loss)
    block_size = triton.next_power_of_2(n_classes)
    _cross_entropy_kernel[(n_rows,)](logits, target, loss, lse, logits.stride(0), n_classes, BLOCK_SIZE=block_size)
    return loss, lse
