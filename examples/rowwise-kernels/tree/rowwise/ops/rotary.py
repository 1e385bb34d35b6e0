# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rotary position embedding, in the layout that rotates the two halves of a head."""

import torch
import triton
import triton.language as tl


@triton.jit
def _rotary_kernel(x_ptr, cos_ptr, sin_ptr, out_ptr, n_heads, seq_len, HALF: tl.constexpr):
    program = tl.program_id(0)
    position = (program // n_heads) % seq_len
    offsets = tl.arange(0, HALF)
    base = program * 2 * HALF
    first = tl.load(x_ptr + base + offsets).to(tl.float32)
    second = tl.load(x_ptr + base + HALF + offsets).to(tl.float32)
    cos = tl.load(cos_ptr + position * HALF + offsets).to(tl.float32)
    sin = tl.load(sin_ptr + position * HALF + offsets).to(tl.float32)
    tl.store(out_ptr + base + offsets, first * cos - second * sin)
    tl.store(out_ptr + base + HALF + offsets, second * cos + first * sin)


def apply_rotary(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotates x of shape (batch, sequence, heads, head size) by angles given as cos and sin of shape (sequence, half)."""
    batch, seq_len, n_heads, head_dim = x.shape
    assert head_dim % 2 == 0 and (head_dim // 2) & (head_dim // 2 - 1) == 0
    x, cos, sin = x.contiguous(), cos.contiguous(), sin.contiguous()
    out = torch.empty_like(x)
    _rotary_kernel[(batch * seq_len * n_heads,)](x, cos, sin, out, n_heads, seq_len, HALF=head_dim // 2)
    return out
