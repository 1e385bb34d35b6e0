# SPDX-License-Identifier: MIT
import pytest
import torch

from rowwise import add

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("size", [1000, 4097, 1])
def test_add(size):
    x = torch.randn(size, device=DEVICE)
    y = torch.randn(size, device=DEVICE)
    torch.testing.assert_close(add(x, y), x + y)
