"""
Imports the part of PyTorch that asks, while it is imported, whether there is a GPU. Asked through CUDA's runtime, no
process forked afterwards could use CUDA; asked through NVML (PYTORCH_NVML_BASED_CUDA_CHECK), forked processes inherit a
library whose descriptors they closed, and see no device. So it is not asked: the answer only words a warning.
"""

from __future__ import annotations

import importlib

import torch


def _import_unasked() -> None:
    asked = torch.cuda.is_available
    torch.cuda.is_available = lambda: True
    try:
        importlib.import_module("torch.utils.cpp_extension")
    finally:
        torch.cuda.is_available = asked


_import_unasked()
