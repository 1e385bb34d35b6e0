# SPDX-License-Identifier: MIT
import pytest
import torch
import torch.nn.functional as F

from rowwise.cpu.add_rms_norm import add_rms_norm
from rowwise.cpu.bias_hardswish import bias_hardswish
from rowwise.cpu.ema_scan import ema_scan
from rowwise.cpu.pairwise_l1 import pairwise_l1


def ref_add_rms_norm(x, residual, weight, eps):
    hidden = x + residual
    return hidden * torch.rsqrt(hidden.pow(2).mean(dim=-1, keepdim=True) + eps) * weight


@pytest.mark.parametrize("n_rows, n_cols", [(512, 2048), (61, 1000)])
def test_add_rms_norm(n_rows, n_cols):
    x = torch.randn(n_rows, n_cols)
    residual = torch.randn(n_rows, n_cols)
    weight = torch.rand(n_cols)
    actual = add_rms_norm(x, residual, weight, eps=1e-6)
    torch.testing.assert_close(actual, ref_add_rms_norm(x, residual, weight, 1e-6), atol=1e-5, rtol=1e-5)


def test_bias_hardswish():
    x = torch.randn(700, 1500) * 4
    bias = torch.randn(1500)
    torch.testing.assert_close(bias_hardswish(x, bias), F.hardswish(x + bias))


def ref_ema_scan(x, alpha):
    state = x[:, 0]
    states = [state]
    for step in range(1, x.shape[1]):
        state = alpha * x[:, step] + (1 - alpha) * state
        states.append(state)
    return torch.stack(states, dim=1)


def test_ema_scan():
    x = torch.randn(96, 250)
    alpha = 0.2
    torch.testing.assert_close(ema_scan(x, alpha), ref_ema_scan(x, alpha), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_a, n_b, n_cols", [(96, 128, 256), (31, 65, 100)])
def test_pairwise_l1(n_a, n_b, n_cols):
    a = torch.randn(n_a, n_cols)
    b = torch.randn(n_b, n_cols)
    torch.testing.assert_close(pairwise_l1(a, b), torch.cdist(a, b, p=1.0), atol=1e-4, rtol=1e-5)
