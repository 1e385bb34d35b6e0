import torch
import triton
import triton.language as tl


@triton.jit
def apply(source, target, count, BLOCK: tl.constexpr):
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < count
    x = tl.load(source + offsets, mask=mask)
    y = tl.maximum(x * 1.5, 0.0)
    tl.store(target + offsets, y, mask=mask)


def activation(x):
    x = x.contiguous()
    result = torch.empty_like(x)
    count = x.numel()
    apply[(triton.cdiv(count, 4096),)](x, result, count, BLOCK=4096, num_warps=8)
    return result


class ModelNew(torch.nn.Module):
    def __init__(self, in_features, out_features, *_):
        super().__init__()
        self.linear = torch.nn.Linear(in_features, out_features)

    def forward(self, x):
        return activation(self.linear(x))
