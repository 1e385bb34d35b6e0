"""The compilers and headers of this machine."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils import cpp_extension

_DEFAULT_ARCHITECTURE = "90a"
_FIRST_WITH_OWN_FEATURES = 9
_VERSION_SECONDS = 30


@dataclass(frozen=True)
class Toolchain:
    """What a build depends on besides its sources."""

    cxx: str | None
    cxx_version: str | None
    nvcc: str | None
    nvcc_version: str | None
    cuda_home: Path | None
    architecture: str
    """Compute capability as nvcc spells it: `90a`."""
    standard: str
    """C++ standard that this PyTorch compiles extensions with."""
    torch_version: str
    python_tag: str
    links_cuda: bool
    """Whether this PyTorch has the CUDA libraries that an extension is linked against."""

    @property
    def ptxas(self) -> Path | None:
        """The assembler that belongs to nvcc; None without one."""
        places = [] if self.nvcc is None else [Path(self.nvcc), Path(self.nvcc).resolve()]
        homes = [] if self.cuda_home is None else [self.cuda_home / "bin"]
        found = (folder / "ptxas" for folder in (*homes, *(place.parent for place in places)))
        return next((path for path in found if os.access(path, os.X_OK)), None)

    def identity(self) -> dict[str, str | None]:
        """What the key of a cached build holds of the machine."""
        return {
            "cxx": self.cxx_version,
            "nvcc": self.nvcc_version,
            "architecture": self.architecture,
            "torch": self.torch_version,
            "python": self.python_tag,
            "links_cuda": str(self.links_cuda),
        }


def find_toolchain(capability: tuple[int, int] | None) -> Toolchain:
    """Looks for g++ and nvcc; `capability` is that of the GPU, None without one."""
    cxx, nvcc = shutil.which("g++") or shutil.which("c++"), find_nvcc()
    return Toolchain(
        cxx=cxx,
        cxx_version=_version_of(cxx, r"\b(\d+\.\d+\.\d+)\b"),
        nvcc=nvcc,
        nvcc_version=_version_of(nvcc, r"\bV(\d+\.\d+\.\d+)\b"),
        cuda_home=_cuda_home(nvcc),
        architecture=_architecture(capability),
        standard=_standard(),
        torch_version=torch.__version__,
        python_tag=sysconfig.get_config_var("SOABI") or "",
        links_cuda=torch.version.cuda is not None,
    )


def find_nvcc() -> str | None:
    """Path of nvcc, also where a toolkit is installed that is not on the PATH."""
    return shutil.which("nvcc") or next(
        (str(home / "bin" / "nvcc") for home in _cuda_places() if os.access(home / "bin" / "nvcc", os.X_OK)), None
    )


def find_sanitizer() -> str | None:
    """Path of compute-sanitizer, which is part of a toolkit; None where there is none."""
    places = [home / part / "compute-sanitizer" for home in _cuda_places() for part in ("bin", "compute-sanitizer")]
    return shutil.which("compute-sanitizer") or next((str(path) for path in places if os.access(path, os.X_OK)), None)


def _version_of(program: str | None, pattern: str) -> str | None:
    if program is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False)
    found = re.search(pattern, done.stdout)
    return found.group(1) if found else "unknown"


# The wrapper script that some machines put on the PATH lies in no CUDA folder.
def _cuda_home(nvcc: str | None) -> Path | None:
    own = [] if nvcc is None else [Path(nvcc).resolve().parent.parent]
    *named, usual = _cuda_places()
    homes = [*named, *own, usual]
    return next((home for home in homes if (home / "include" / "cuda_runtime.h").exists()), None)


# In the order in which PyTorch looks for a toolkit.
def _cuda_places() -> list[Path]:
    named = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH")]
    return [*(Path(place) for place in named if place), Path("/usr/local/cuda")]


def _architecture(capability: tuple[int, int] | None) -> str:
    if capability is None:
        return _DEFAULT_ARCHITECTURE
    major, minor = capability
    return f"{major}{minor}" + ("a" if major >= _FIRST_WITH_OWN_FEATURES else "")


# 17 or 20 depending on the version; written as a literal in PyTorch's own function.
def _standard() -> str:
    try:
        source = inspect.getsource(cpp_extension._write_ninja_file_to_build_library)
    except (AttributeError, OSError):
        return "c++17"
    found = re.search(r"-std=(c\+\+\d\d)", source)
    return found.group(1) if found else "c++17"
