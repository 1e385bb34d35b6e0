# SPDX-License-Identifier: MIT
import pytest
import torch
import torch.nn.functional as F

from rowwise import layer_norm

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("n_rows", [24, 1])
@pytest.mark.parametrize("n_cols", [96, 384])
def test_layer_norm(n_rows, n_cols):
    x = torch.randn(n_rows, n_cols, device=DEVICE)
    weight = torch.rand(n_cols, device=DEVICE)
    bias = torch.rand(n_cols, device=DEVICE)
    out = layer_norm(x, weight, bias)
    ref = F.layer_norm(x, (n_cols,), weight, bias)
    torch.testing.assert_close(out, ref, atol=1e-5, rtol=1e-5)


def test_layer_norm_backward():
    n_rows, n_cols = 6, 80
    x = torch.randn(n_rows, n_cols, device=DEVICE, requires_grad=True)
    weight = torch.rand(n_cols, device=DEVICE, requires_grad=True)
    bias = torch.rand(n_cols, device=DEVICE, requires_grad=True)
    grad_out = torch.randn(n_rows, n_cols, device=DEVICE)

    F.layer_norm(x, (n_cols,), weight, bias).backward(grad_out)
    expected = [tensor.grad.clone() for tensor in (x, weight, bias)]
    for tensor in (x, weight, bias):
        tensor.grad = None
    layer_norm(x, weight, bias).backward(grad_out)
    for tensor, grad in zip((x, weight, bias), expected, strict=True):
        torch.testing.assert_close(tensor.grad, grad, atol=1e-4, rtol=1e-4)
