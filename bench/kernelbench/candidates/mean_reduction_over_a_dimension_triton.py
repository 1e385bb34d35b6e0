import torch
import triton
import triton.language as tl


@triton.jit
def reduce_middle(source, target, rows, columns, BLOCK: tl.constexpr):
    column = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    first = tl.program_id(1).to(tl.int64) * rows * columns + column
    mask = column < columns
    total = tl.zeros((BLOCK,), tl.float32)
    for row in range(0, rows):
        total += tl.load(source + first + row.to(tl.int64) * columns, mask=mask, other=0.0)
    tl.store(target + tl.program_id(1) * columns + column, total / rows, mask=mask)


class ModelNew(torch.nn.Module):
    def __init__(self, *_):
        super().__init__()

    def forward(self, x):
        batch, rows, columns = x.shape
        result = torch.empty(batch, columns, device=x.device)
        reduce_middle[(triton.cdiv(columns, 256), batch)](x, result, rows, columns, BLOCK=256)
        return result
