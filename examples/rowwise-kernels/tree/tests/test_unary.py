# SPDX-License-Identifier: MIT
import pytest
import torch

from rowwise.ops.unary import unary

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("name", ["abs", "square"])
def test_unary(name):
    x = torch.randn(7, 300, device=DEVICE)
    torch.testing.assert_close(unary(name, x), getattr(torch, name)(x))
