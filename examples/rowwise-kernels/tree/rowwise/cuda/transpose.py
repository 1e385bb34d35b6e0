"""Transpose of a float32 matrix on a CUDA device."""

from pathlib import Path

import torch
from torch.utils.cpp_extension import load

_CSRC = Path(__file__).resolve().parent.parent / "csrc" / "cuda"

load(
    name="rowwise_cuda_transpose",
    sources=[str(_CSRC / "transpose.cpp"), str(_CSRC / "transpose.cu")],
    extra_cuda_cflags=["-O3"],
    is_python_module=False,
)


def transpose(x: torch.Tensor) -> torch.Tensor:
    """The transposed matrix, contiguous."""
    return torch.ops.rowwise_cuda.transpose(x.contiguous())
