# SPDX-License-Identifier: Apache-2.0
"""Residual addition followed by root-mean-square normalisation, for float32 matrices on the processor."""

from pathlib import Path

import torch
from torch.utils.cpp_extension import load

_CSRC = Path(__file__).resolve().parent.parent / "csrc" / "cpu"

load(
    name="rowwise_cpu_add_rms_norm",
    sources=[str(_CSRC / "add_rms_norm.cpp")],
    extra_cflags=["-O3", "-march=native", "-fopenmp"],
    extra_ldflags=["-fopenmp"],
    is_python_module=False,
)


def add_rms_norm(x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, eps: float = 1e-6) -> torch.Tensor:
    """rms_norm(x + residual) * weight for two matrices of the same shape and one weight per column."""
    return torch.ops.rowwise_cpu.add_rms_norm(x.contiguous(), residual.contiguous(), weight.contiguous(), eps)
