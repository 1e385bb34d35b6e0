# SPDX-License-Identifier: BSD-3-Clause
"""City-block distances between the rows of two float32 matrices, on the processor."""

from pathlib import Path

import torch
from torch.utils.cpp_extension import load

_CSRC = Path(__file__).resolve().parent.parent / "csrc" / "cpu"

load(
    name="rowwise_cpu_pairwise_l1",
    sources=[str(_CSRC / "pairwise_l1.cpp")],
    extra_cflags=["-O3", "-march=native", "-fopenmp"],
    extra_ldflags=["-fopenmp"],
    is_python_module=False,
)


def pairwise_l1(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """A matrix of distances: one row per row of a, one column per row of b."""
    return torch.ops.rowwise_cpu.pairwise_l1(a.contiguous(), b.contiguous())
