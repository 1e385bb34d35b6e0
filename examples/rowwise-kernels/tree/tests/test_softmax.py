# SPDX-License-Identifier: MIT
import pytest
import torch

from rowwise import online_softmax, softmax

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("n_rows, n_cols", [(64, 128), (33, 257), (4, 1000)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_softmax(n_rows, n_cols, dtype):
    x = torch.randn(n_rows, n_cols, device=DEVICE, dtype=dtype)
    torch.testing.assert_close(softmax(x), torch.softmax(x, dim=-1))


def test_softmax_refuses_long_rows():
    with pytest.raises(AssertionError):
        softmax(torch.empty(1, 65537, device=DEVICE))


@pytest.mark.parametrize("n_cols", [100, 500])
def test_online_softmax_is_softmax(n_cols):
    x = torch.randn(8, n_cols, device=DEVICE)
    torch.testing.assert_close(online_softmax(x), softmax(x))
