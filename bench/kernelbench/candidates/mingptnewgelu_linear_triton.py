import torch
import triton
import triton.language as tl


@triton.jit
def apply(source, target, count, BLOCK: tl.constexpr):
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < count
    x = tl.load(source + offsets, mask=mask)
    y = 0.5 * x * (1.0 + x)
    tl.store(target + offsets, y, mask=mask)


def activation(x):
    x = x.contiguous()
    result = torch.empty_like(x)
    count = x.numel()
    apply[(triton.cdiv(count, 4096),)](x, result, count, BLOCK=4096, num_warps=8)
    return result


class ModelNew(torch.nn.Module):
    def __init__(self, *_):
        super().__init__()

    def forward(self, x):
        return activation(x)
