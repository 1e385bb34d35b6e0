/** A library of one Triton kernel, as a repository would hold it. */
export const DOUBLING_LIBRARY = `import torch
import triton
import triton.language as tl


@triton.jit
def _double_kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n) * 2, mask=offsets < n)


def double(x):
    out = torch.empty_like(x)
    _double_kernel[(triton.cdiv(x.numel(), 64),)](x, out, x.numel(), BLOCK=64)
    return out
`

/** A test of it that compares with PyTorch. */
export const COMPARING_TEST = `import torch

from doubling import double


def test_double():
    x = torch.randn(100, device="cuda")
    torch.testing.assert_close(double(x), x * 2)
`
