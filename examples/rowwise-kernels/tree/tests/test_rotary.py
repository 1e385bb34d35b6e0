# SPDX-License-Identifier: MIT
import pytest
import torch

from rowwise import apply_rotary

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def rotate_half(x):
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


def torch_apply_rotary(x, cos, sin):
    cos = torch.cat((cos, cos), dim=-1)[None, :, None, :]
    sin = torch.cat((sin, sin), dim=-1)[None, :, None, :]
    return x * cos + rotate_half(x) * sin


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("seq_len, n_heads, head_dim", [(9, 4, 64), (16, 2, 32)])
def test_apply_rotary(batch, seq_len, n_heads, head_dim):
    x = torch.randn(batch, seq_len, n_heads, head_dim, device=DEVICE)
    angles = torch.rand(seq_len, head_dim // 2, device=DEVICE) * 6.0
    cos, sin = angles.cos(), angles.sin()

    out = apply_rotary(x, cos, sin)
    ref = torch_apply_rotary(x, cos, sin)
    assert torch.allclose(out, ref, atol=1e-5, rtol=1e-5)
