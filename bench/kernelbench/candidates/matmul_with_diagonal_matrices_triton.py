import torch
import triton
import triton.language as tl


@triton.jit
def scale_rows(diagonal, source, target, width, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = columns < width
    factor = tl.load(diagonal + row)
    tl.store(target + row * width + columns, factor * tl.load(source + row * width + columns, mask=mask), mask=mask)


class ModelNew(torch.nn.Module):
    def forward(self, a, b):
        result = torch.empty_like(b)
        scale_rows[(b.shape[0], triton.cdiv(b.shape[1], 1024))](a, b, result, b.shape[1], BLOCK=1024)
        return result
