# SPDX-License-Identifier: Apache-2.0
"""Euclidean length of each row of a float32 matrix on a CUDA device."""

from pathlib import Path

import torch
from torch.utils.cpp_extension import load

_CSRC = Path(__file__).resolve().parent.parent / "csrc" / "cuda"

load(
    name="rowwise_cuda_row_norm",
    sources=[str(_CSRC / "row_norm.cpp"), str(_CSRC / "row_norm.cu")],
    extra_cuda_cflags=["-O3"],
    is_python_module=False,
)


def row_norm(x: torch.Tensor) -> torch.Tensor:
    """Square root of the sum of squares of each row."""
    return torch.ops.rowwise_cuda.row_norm(x.contiguous())
