"""Element-wise functions by name."""

import torch
import triton
import triton.language as tl


@triton.jit
def _abs_kernel(x_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    tl.store(out_ptr + offsets, tl.abs(tl.load(x_ptr + offsets, mask=mask)), mask=mask)


@triton.jit
def _square_kernel(x_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * x, mask=mask)


def unary(name: str, x: torch.Tensor) -> torch.Tensor:
    """Applies the function called `name`, one of abs and square."""
    x = x.contiguous()
    out = torch.empty_like(x)
    n_elements = x.numel()
    kernel = globals()[f"_{name}_kernel"]
    kernel[(triton.cdiv(n_elements, 1024),)](x, out, n_elements, BLOCK_SIZE=1024)
    return out
