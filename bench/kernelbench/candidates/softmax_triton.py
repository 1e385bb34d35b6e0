import torch
import triton
import triton.language as tl


@triton.jit
def softmax_rows(source, target, width, BLOCK: tl.constexpr):
    start = tl.program_id(0).to(tl.int64) * width
    offsets = tl.arange(0, BLOCK)
    top = tl.full((BLOCK,), float("-inf"), tl.float32)
    for first in range(0, width, BLOCK):
        top = tl.maximum(
            top, tl.load(source + start + first + offsets, mask=first + offsets < width, other=float("-inf"))
        )
    largest = tl.max(top, axis=0)
    total = tl.zeros((BLOCK,), tl.float32)
    for first in range(0, width, BLOCK):
        mask = first + offsets < width
        x = tl.load(source + start + first + offsets, mask=mask, other=float("-inf"))
        total += tl.exp(x - largest)
    scale = 1.0 / tl.sum(total, axis=0)
    for first in range(0, width, BLOCK):
        mask = first + offsets < width
        x = tl.load(source + start + first + offsets, mask=mask)
        tl.store(target + start + first + offsets, tl.exp(x - largest) * scale, mask=mask)


class ModelNew(torch.nn.Module):
    def __init__(self, *_):
        super().__init__()

    def forward(self, x):
        result = torch.empty_like(x)
        softmax_rows[(x.shape[0],)](x, result, x.shape[1], BLOCK=4096, num_warps=8)
        return result
