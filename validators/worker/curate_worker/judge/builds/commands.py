"""The command lines of one build: PyTorch's own flags (torch/utils/cpp_extension.py), one GPU architecture."""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils import cpp_extension

from .flags import device_flags, host_flags, link_flags
from .toolchain import Toolchain

_SOURCES = {".cpp", ".cc", ".cxx", ".c", ".cu"}
# A header that PyTorch's CPU builds leave out, although all others of the folder are there.
_MISSING_HEADER = "c10/cuda/impl/cuda_cmake_macros.h"


@dataclass(frozen=True)
class Plan:
    """What is written and run in the build folder."""

    files: dict[str, str]
    commands: list[list[str]]
    compilers: list[str]
    """The compiler of each command, with version."""
    artifact: str | None
    """File that is the result; None where it can be compiled but not linked here."""


def plan_build(spec: dict, tools: Toolchain, *, link: bool) -> Plan:
    """Plans a build. Raises FlagRefused."""
    files = {name: text for name, text in spec["units"]}  # noqa: C416
    sources = [name for name in files if Path(name).suffix in _SOURCES]
    if spec["with_cuda"] and not _torch_has(_MISSING_HEADER):
        files[f"shims/{_MISSING_HEADER}"] = "#pragma once\n#define C10_CUDA_BUILD_SHARED_LIBS\n"
    common = _common_flags(spec, tools)
    commands, compilers, objects = [], [], []
    for name in sources:
        is_cuda = name.endswith(".cu")
        target = f"{Path(name).stem}.{'cuda.o' if is_cuda else 'o'}"
        commands.append(_compile(name, target, common, spec, tools))
        compilers.append(f"nvcc {tools.nvcc_version}" if is_cuda else f"g++ {tools.cxx_version}")
        objects.append(target)
    if not link:
        return Plan(files, commands, compilers, None)
    artifact = f"{spec['name']}.so"
    commands.append(_link(objects, artifact, spec, tools))
    compilers.append(f"g++ {tools.cxx_version}")
    return Plan(files, commands, compilers, artifact)


def _common_flags(spec: dict, tools: Toolchain) -> list[str]:
    includes = [str(path) for path in cpp_extension.include_paths("cpu")]
    if spec["with_cuda"] and tools.cuda_home is not None:
        includes += _cuda_includes(tools.cuda_home)
    includes += [sysconfig.get_path("include", scheme="posix_prefix"), "shims"]
    flags = [f"-DTORCH_EXTENSION_NAME={spec['name']}", "-DTORCH_API_INCLUDE_EXTENSION_H"]
    flags += getattr(cpp_extension, "_get_pybind11_abi_build_flags", list)()
    if not getattr(torch._C, "_GLIBCXX_USE_CXX11_ABI", True):
        flags.append("-D_GLIBCXX_USE_CXX11_ABI=0")
    return [*flags, "-I.", *(word for path in includes for word in ("-isystem", path))]


# g++ finds none of its own headers when /usr/include is named; from CUDA 13 on thrust and CUB lie deeper.
def _cuda_includes(home: Path) -> list[str]:
    folders = [home / "include", home / "include" / "cccl"]
    return [str(folder) for folder in folders if folder.is_dir() and folder != Path("/usr/include")]


# Debian puts the libraries beside all others, other packages below the name of the target.
def _cuda_libraries(home: Path) -> list[str]:
    folders = [home / "lib64", home / "lib", *sorted(home.glob("targets/*-linux/lib"))]
    return [str(folder) for folder in folders if any(folder.glob("libcudart.so*"))]


def _compile(name: str, target: str, common: list[str], spec: dict, tools: Toolchain) -> list[str]:
    if not name.endswith(".cu"):
        flags = [*common, "-fPIC", f"-std={tools.standard}", *host_flags(spec["extra_cflags"])]
        return [str(tools.cxx), "-c", name, "-o", target, *flags]
    wanted = device_flags(spec["extra_cuda_cflags"])
    number = tools.architecture
    flags = [
        *(*common, *cpp_extension.COMMON_NVCC_FLAGS),
        f"-gencode=arch=compute_{number},code=sm_{number}",
        *("-Xcompiler", "-fPIC", "-ccbin", str(tools.cxx)),
        *wanted,
    ]
    if not any(flag.startswith("-std=") for flag in wanted):
        flags.append(f"-std={tools.standard}")
    return [str(tools.nvcc), "-c", name, "-o", target, *flags]


def _link(objects: list[str], artifact: str, spec: dict, tools: Toolchain) -> list[str]:
    libraries = ["-lc10", "-ltorch_cpu", "-ltorch"]
    if spec["is_python_module"]:
        libraries.append("-ltorch_python")
    folders = [cpp_extension.TORCH_LIB_PATH]
    if spec["with_cuda"]:
        libraries += ["-lc10_cuda", "-ltorch_cuda", "-lcudart"]
        folders += _cuda_libraries(tools.cuda_home) if tools.cuda_home is not None else []
    search = [f"-L{folder}" for folder in folders]
    # Without symbol tables: nvcc puts names of temporary files there, and equal sources must give equal libraries.
    return [
        str(tools.cxx),
        *objects,
        "-shared",
        "-Wl,-s",
        *search,
        *libraries,
        *link_flags(spec["extra_ldflags"]),
        "-o",
        artifact,
    ]


def _torch_has(header: str) -> bool:
    return any((Path(folder) / header).exists() for folder in cpp_extension.include_paths("cpu"))
