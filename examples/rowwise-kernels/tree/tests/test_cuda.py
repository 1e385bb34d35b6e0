# SPDX-License-Identifier: MIT
import pytest
import torch

if not torch.cuda.is_available():
    pytest.skip("needs a GPU", allow_module_level=True)

from rowwise.cuda.row_norm import row_norm
from rowwise.cuda.scale_shift import scale_shift
from rowwise.cuda.transpose import transpose


@pytest.mark.parametrize("n_rows, n_cols", [(256, 1000), (3, 31)])
def test_row_norm(n_rows, n_cols):
    x = torch.randn(n_rows, n_cols, device="cuda")
    torch.testing.assert_close(row_norm(x), torch.linalg.vector_norm(x, dim=-1))


@pytest.mark.parametrize("n_rows, n_cols", [(512, 256), (45, 70)])
def test_transpose(n_rows, n_cols):
    x = torch.randn(n_rows, n_cols, device="cuda")
    torch.testing.assert_close(transpose(x), x.t().contiguous())


@pytest.mark.parametrize("n_rows, n_cols", [(128, 1024), (7, 20)])
def test_scale_shift(n_rows, n_cols):
    x = torch.randn(n_rows, n_cols, device="cuda")
    scale = torch.rand(n_cols, device="cuda")
    shift = torch.randn(n_cols, device="cuda")
    torch.testing.assert_close(scale_shift(x, scale, shift), x * scale + shift)
