"""The command lines of one build: PyTorch's own flags (torch/utils/cpp_extension.py), one GPU architecture."""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass, field
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
    chains: list[list[dict]]
    """Steps by chain, as runner/compile.py runs them; the last chain links where there is an artefact."""
    compilers: list[str]
    """The compiler of each chain, with version."""
    artifact: str | None
    """File that is the result; None where it can be compiled but not linked here."""
    method: str = "default"
    """`default`, as PyTorch builds it; `precompiled`; `narrow`; `split`."""
    objects: list[str] = field(default_factory=list)


def plan_build(spec: dict, tools: Toolchain, *, link: bool) -> Plan:
    """Plans a build as PyTorch would do it. Raises FlagRefused."""
    files = source_files(spec)
    chains, compilers, objects = [], [], []
    for name in compiled_sources(spec):
        target = object_name(name)
        chains.append([{"command": compile_command(name, target, spec, tools)}])
        compilers.append(compiler_of(name, tools))
        objects.append(target)
    plan = Plan(files, chains, compilers, None, objects=objects)
    return with_link(plan, spec, tools) if link else plan


def with_link(plan: Plan, spec: dict, tools: Toolchain) -> Plan:
    """The plan with the chain that makes a library of its objects. Raises FlagRefused."""
    artifact = f"{spec['name']}.so"
    chain = [{"command": _link(plan.objects, artifact, spec, tools)}]
    compilers = [*plan.compilers, f"g++ {tools.cxx_version}"]
    return Plan(plan.files, [*plan.chains, chain], compilers, artifact, plan.method, plan.objects)


def source_files(spec: dict) -> dict[str, str]:
    """What is written into the build folder."""
    files = {name: text for name, text in spec["units"]}  # noqa: C416
    if spec["with_cuda"] and not _torch_has(_MISSING_HEADER):
        files[f"shims/{_MISSING_HEADER}"] = "#pragma once\n#define C10_CUDA_BUILD_SHARED_LIBS\n"
    return files


def compiled_sources(spec: dict) -> list[str]:
    """Names of the sources that are compiled each by itself."""
    return [name for name, _ in spec["units"] if Path(name).suffix in _SOURCES]


def object_name(source: str) -> str:
    """Name of what is compiled from a source."""
    return f"{Path(source).stem}.{'cuda.o' if source.endswith('.cu') else 'o'}"


def compiler_of(source: str, tools: Toolchain) -> str:
    """The compiler of a source, with version."""
    return f"nvcc {tools.nvcc_version}" if source.endswith(".cu") else f"g++ {tools.cxx_version}"


def compile_command(name: str, target: str, spec: dict, tools: Toolchain, more: tuple[str, ...] = ()) -> list[str]:
    """The command that compiles one source. Raises FlagRefused."""
    common = [*definitions(spec), *include_flags(tools, with_cuda=spec["with_cuda"])]
    if not name.endswith(".cu"):
        flags = [*common, "-fPIC", f"-std={tools.standard}", *host_flags(spec["extra_cflags"])]
        return [str(tools.cxx), "-c", name, "-o", target, *flags, *more]
    wanted = device_flags(spec["extra_cuda_cflags"])
    number = tools.architecture
    flags = [
        *(*common, *cpp_extension.COMMON_NVCC_FLAGS),
        f"-gencode=arch=compute_{number},code=sm_{number}",
        *("-Xcompiler", "-fPIC", "-ccbin", str(tools.cxx)),
        # Registers, spills and shared memory of each kernel, on stderr.
        *("-Xptxas", "-v"),
        *wanted,
    ]
    if not any(flag.startswith("-std=") for flag in wanted):
        flags.append(f"-std={tools.standard}")
    return [str(tools.nvcc), "-c", name, "-o", target, *flags, *more]


def definitions(spec: dict) -> list[str]:
    """The macros that PyTorch defines on the command line of every extension."""
    return [f"-DTORCH_EXTENSION_NAME={spec['name']}", *fixed_definitions()]


def fixed_definitions() -> list[str]:
    """Those of them that are the same for all extensions."""
    flags = ["-DTORCH_API_INCLUDE_EXTENSION_H", *getattr(cpp_extension, "_get_pybind11_abi_build_flags", list)()]
    if not getattr(torch._C, "_GLIBCXX_USE_CXX11_ABI", True):
        flags.append("-D_GLIBCXX_USE_CXX11_ABI=0")
    return flags


def include_flags(tools: Toolchain, *, with_cuda: bool) -> list[str]:
    """Where headers are found."""
    includes = [str(path) for path in cpp_extension.include_paths("cpu")]
    if with_cuda and tools.cuda_home is not None:
        includes += _cuda_includes(tools.cuda_home)
    includes += [sysconfig.get_path("include", scheme="posix_prefix"), "shims"]
    return ["-I.", *(word for path in includes for word in ("-isystem", path))]


# g++ finds none of its own headers when /usr/include is named; from CUDA 13 on thrust and CUB lie deeper.
def _cuda_includes(home: Path) -> list[str]:
    folders = [home / "include", home / "include" / "cccl"]
    return [str(folder) for folder in folders if folder.is_dir() and folder != Path("/usr/include")]


# Debian puts the libraries beside all others, other packages below the name of the target.
def _cuda_libraries(home: Path) -> list[str]:
    folders = [home / "lib64", home / "lib", *sorted(home.glob("targets/*-linux/lib"))]
    return [str(folder) for folder in folders if any(folder.glob("libcudart.so*"))]


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
