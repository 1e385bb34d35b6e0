# SPDX-License-Identifier: MIT
import pytest
import torch
from torch import nn

from rowwise import RMSNorm

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class TorchRMSNorm(nn.Module):
    def __init__(self, hidden_size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.eps = eps

    def forward(self, x):
        dtype = x.dtype
        x = x.to(torch.float32)
        variance = x.pow(2).mean(-1, keepdim=True)
        x = x * torch.rsqrt(variance + self.eps)
        return (self.weight * x).to(dtype)


@pytest.mark.parametrize("batch, seq_len, hidden_size", [(2, 16, 256), (1, 7, 100)])
@pytest.mark.parametrize("dtype, atol, rtol", [(torch.float32, 1e-5, 1e-5), (torch.float16, 1e-3, 1e-3)])
def test_rms_norm(batch, seq_len, hidden_size, dtype, atol, rtol):
    x = torch.randn(batch, seq_len, hidden_size, device=DEVICE, dtype=dtype)
    reference = TorchRMSNorm(hidden_size).to(DEVICE)
    nn.init.normal_(reference.weight)
    fused = RMSNorm(hidden_size).to(DEVICE)
    fused.load_state_dict(reference.state_dict())

    with torch.no_grad():
        expected = reference(x)
        actual = fused(x)
    torch.testing.assert_close(actual, expected, atol=atol, rtol=rtol)
