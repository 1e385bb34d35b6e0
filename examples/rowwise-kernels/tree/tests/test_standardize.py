# SPDX-License-Identifier: MIT
import pytest
import torch

from rowwise import standardize

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def ref_standardize(x):
    return (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, keepdim=True)


@pytest.mark.parametrize("n_cols", [64, 100])
def test_standardize(n_cols):
    x = torch.randn(16, n_cols, device=DEVICE)
    torch.testing.assert_close(standardize(x), ref_standardize(x), atol=5e-2, rtol=5e-2)
