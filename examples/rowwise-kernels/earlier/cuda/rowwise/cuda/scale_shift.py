# SPDX-License-Identifier: MIT
"""x * scale + shift for a float32 matrix on a CUDA device."""

from pathlib import Path

import torch
from torch.utils.cpp_extension import load

_CSRC = Path(__file__).resolve().parent.parent / "csrc" / "cuda"

load(
    name="rowwise_cuda_scale_shift",
    sources=[str(_CSRC / "scale_shift.cpp"), str(_CSRC / "scale_shift.cu")],
    extra_cuda_cflags=["-O3"],
    is_python_module=False,
)


def scale_shift(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Scales and shifts each column."""
    return torch.ops.rowwise_cuda.scale_shift(x.contiguous(), scale.contiguous(), shift.contiguous())
