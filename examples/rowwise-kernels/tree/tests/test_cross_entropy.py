# SPDX-License-Identifier: MIT
import pytest
import torch

from rowwise import cross_entropy

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def ref_cross_entropy(logits, target):
    logits = logits.float()
    lse = torch.logsumexp(logits, dim=-1)
    picked = logits.gather(1, target[:, None]).squeeze(1)
    return lse - picked, lse


@pytest.mark.parametrize("n_rows, n_classes", [(16, 100), (5, 1031)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_cross_entropy(n_rows, n_classes, dtype):
    logits = torch.randn(n_rows, n_classes, device=DEVICE, dtype=dtype)
    target = torch.randint(0, n_classes, (n_rows,), device=DEVICE)

    loss, lse = cross_entropy(logits, target)
    ref_loss, ref_lse = ref_cross_entropy(logits, target)
    torch.testing.assert_close(loss, ref_loss, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(lse, ref_lse, atol=1e-4, rtol=1e-4)
