# SPDX-License-Identifier: MIT
import pytest
import torch

from rowwise import row_sum

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def ref_row_sum(x):
    return x.to(torch.float32).sum(dim=-1).to(x.dtype)


@pytest.mark.parametrize("n_rows, n_cols", [(32, 200), (5, 3000)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_row_sum(n_rows, n_cols, dtype):
    x = torch.rand(n_rows, n_cols, device=DEVICE, dtype=dtype)
    torch.testing.assert_close(row_sum(x), ref_row_sum(x), atol=1e-3, rtol=2e-3)
