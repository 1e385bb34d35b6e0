# SPDX-License-Identifier: MIT
import pytest
import torch
import torch.nn.functional as F

from rowwise import silu_mul

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("shape", [(8, 128), (3, 5, 77)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_silu_mul(shape, dtype):
    gate = torch.randn(shape, device=DEVICE, dtype=dtype)
    up = torch.randn(shape, device=DEVICE, dtype=dtype)
    expected = (F.silu(gate.float()) * up.float()).to(gate.dtype)
    torch.testing.assert_close(silu_mul(gate, up), expected)
