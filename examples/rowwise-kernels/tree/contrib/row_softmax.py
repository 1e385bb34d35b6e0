"""A softmax over rows, as used in our ranking service."""

import torch
import triton
import triton.language as tl


@triton.jit
def row_softmax_kernel(dst, src, src_stride, dst_stride, width, TILE: tl.constexpr):
    r = tl.program_id(0)
    idx = tl.arange(0, TILE)
    valid = idx < width
    v = tl.load(src + r * src_stride + idx, mask=valid, other=float("-inf")).to(tl.float32)
    v = v - tl.max(v, axis=0)
    e = tl.exp(v)
    total = tl.sum(e, axis=0)
    tl.store(dst + r * dst_stride + idx, e / total, mask=valid)


def row_softmax(scores: torch.Tensor) -> torch.Tensor:
    height, width = scores.shape
    tile = triton.next_power_of_2(width)
    assert tile <= 65536
    result = torch.empty_like(scores)
    warps = 8 if tile >= 2048 else 4
    row_softmax_kernel[(height,)](
        result, scores, scores.stride(0), result.stride(0), width, TILE=tile, num_warps=warps
    )
    return result
