"""What this machine is, as every row records it."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from pathlib import Path

import torch

from .builds.toolchain import Toolchain

_FIRST_WITH_BFLOAT16 = (3, 8)


def describe_environment(device: str, gpu: dict, tools: Toolchain, threads: int) -> dict:
    """The `environment` field of a row but for the sandbox, which differs by runner."""
    libraries = {"torch": torch.__version__, "numpy": metadata.version("numpy")}
    triton = triton_version()
    if triton is not None:
        libraries["triton"] = triton
    if torch.version.cuda is not None:
        libraries["cuda"] = torch.version.cuda
    if tools.cxx_version is not None:
        libraries["g++"] = tools.cxx_version
    if tools.nvcc_version is not None:
        libraries["nvcc"] = tools.nvcc_version
    return {
        "hardware": str(gpu["name"]) if device == "cuda" else f"{processor_name()} ({threads} threads)",
        "driver": driver_version() if device == "cuda" else None,
        "python": platform.python_version(),
        "libraries": libraries,
    }


def processor_name() -> str:
    """The processor's model."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def driver_version() -> str | None:
    """Version of the NVIDIA driver; None where there is none."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return None
    found = re.search(r"\b(\d+\.\d+(?:\.\d+)?)\b", text)
    return found.group(1) if found else None


def triton_version() -> str | None:
    """Version of Triton, without importing it; None where it is not installed."""
    try:
        return metadata.version("triton")
    except metadata.PackageNotFoundError:
        return None


def interpreter_does_bfloat16() -> bool:
    """Whether this Triton's interpreter computes bfloat16 right: from 3.8 on (seen with 3.6 and 3.9)."""
    version = triton_version()
    if version is None:
        return False
    parts = re.findall(r"\d+", version)
    return tuple(int(part) for part in parts[:2]) >= _FIRST_WITH_BFLOAT16
