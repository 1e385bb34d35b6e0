# SPDX-License-Identifier: MIT
import torch

from rowwise import l2_normalize

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def test_rows_have_length_one():
    x = torch.randn(12, 150, device=DEVICE)
    lengths = l2_normalize(x).square().sum(dim=-1).sqrt()
    torch.testing.assert_close(lengths, torch.ones_like(lengths))


def test_zero_rows_stay_zero():
    x = torch.zeros(3, 40, device=DEVICE)
    assert l2_normalize(x).abs().max() == 0
