"""Recognises errors that only say that this machine has no GPU."""

from __future__ import annotations

# PyTorch: torch/cuda/__init__.py and c10/cuda/CUDAFunctions.cpp; Triton: triton/runtime/driver.py
_SIGNS = (
    "Torch not compiled with CUDA enabled",
    "Found no NVIDIA driver",
    "No CUDA GPUs are available",
    "CUDA is not available",
    "no CUDA-capable device is detected",
    "CUDA driver version is insufficient",
    "CUDA driver initialization failed",
    "0 active drivers",
    "libcuda.so cannot found",
    "Could not run 'aten::empty.memory_format' with arguments from the 'CUDA' backend",
    "Cannot find accelerator",
)


def needs_gpu(text: str) -> bool:
    """Whether an error text says that a GPU is missing. What it decides is NOT_RUN, never a pass."""
    return any(sign in text for sign in _SIGNS)
