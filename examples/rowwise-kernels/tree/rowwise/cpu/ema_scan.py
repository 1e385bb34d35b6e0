# SPDX-License-Identifier: MIT
"""Exponential moving average along the rows of a float32 matrix, on the processor."""

from pathlib import Path

import torch
from torch.utils.cpp_extension import load

_CSRC = Path(__file__).resolve().parent.parent / "csrc" / "cpu"

load(
    name="rowwise_cpu_ema_scan",
    sources=[str(_CSRC / "ema_scan.cpp")],
    extra_cflags=["-O3", "-march=native", "-fopenmp"],
    extra_ldflags=["-fopenmp"],
    is_python_module=False,
)


def ema_scan(x: torch.Tensor, alpha: float) -> torch.Tensor:
    """y[:, 0] = x[:, 0], then y[:, t] = alpha * x[:, t] + (1 - alpha) * y[:, t - 1]."""
    return torch.ops.rowwise_cpu.ema_scan(x.contiguous(), alpha)
