"""
A build that gives what PyTorch's own would give, in a tenth of the time: narrow or precompiled headers for g++, and
CUDA sources split so that nvcc reads none of PyTorch's. What cannot be done so is said, and any failure of it is
followed by PyTorch's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from torch.utils import cpp_extension

from .binding_source import first_include, fits_before
from .commands import (
    Plan,
    compile_command,
    compiled_sources,
    compiler_of,
    definitions,
    fixed_definitions,
    include_flags,
    object_name,
    source_files,
    with_link,
)
from .flags import device_flags, host_flags
from .headers import EXTENSION, TYPES, HeaderStore, optimization_of
from .narrow_headers import FOLDER, NARROW, narrow_files
from .source_edits import NotSplittable
from .split_source import Split, split_source
from .toolchain import Toolchain

_INCLUDE = re.compile(r"\s*#\s*include\s*<([^>]+)>\s*$")
# What says the most of a build comes first.
_METHODS = ("split", "narrow", "precompiled")


@dataclass
class _Draft:
    """A plan in the making."""

    spec: dict
    tools: Toolchain
    headers: HeaderStore
    files: dict[str, str]
    is_narrow: bool = False
    """Whether g++ reads narrow headers."""
    chains: list[list[dict]] = field(default_factory=list)
    compilers: list[str] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)

    def add(self, compiler: str, objects: list[str], *steps: dict) -> None:
        """Adds a chain and the objects it makes."""
        self.chains.append(list(steps))
        self.compilers.append(compiler)
        self.objects += objects


def plan_quickly(
    spec: dict, tools: Toolchain, headers: HeaderStore, *, link: bool, is_narrow: bool = False
) -> tuple[Plan | None, str | None]:
    """
    The quick plan, or None and why there is none. Raises FlagRefused. With `is_narrow` only such as read narrow headers
    are plans.
    """
    narrow = narrow_files([text for _, text in spec["units"]]) if is_narrow else {}
    if narrow is None or (is_narrow and _names_torch(spec)):
        return None, None
    draft = _Draft(spec, tools, headers, source_files(spec) | narrow, is_narrow)
    reason = None
    try:
        left = _plan_cuda(draft)
    except NotSplittable as error:
        if is_narrow:
            return None, str(error)
        left, reason = compiled_sources(spec), str(error)
    for name in left:
        _plan_source(draft, name)
    method = next((name for name in _METHODS if name in draft.methods), None)
    if method is None:
        return None, reason
    plan = Plan(draft.files, draft.chains, draft.compilers, None, method, draft.objects)
    return (with_link(plan, spec, tools) if link else plan), reason


# By a macro, whose name says nothing.
def _names_torch(spec: dict) -> bool:
    return any("torch" in flag for flag in (*spec["extra_cflags"], *spec["extra_cuda_cflags"]))


# Gives the sources that are still to be planned. The header of a binding that only declares is that of the host part.
def _plan_cuda(draft: _Draft) -> list[str]:
    names = compiled_sources(draft.spec)
    cuda = [name for name in names if name.endswith(".cu")]
    if not cuda:
        return names
    if any(name not in names for name, _ in draft.spec["units"]):
        raise NotSplittable("headers of its own")
    texts = dict(draft.spec["units"])
    splits = {name: split_source(texts[name], name) for name in cuda}
    left = [name for name in names if name not in cuda]
    binding = texts.get("main.cpp", "")
    host = splits[cuda[0]].host
    merged = names == ["main.cpp", "cuda.cu"] and _header_of(host) == EXTENSION and _fits_beside(draft.spec)
    merged = merged and fits_before(binding, texts["cuda.cu"])
    for name, split in splits.items():
        _plan_split(draft, name, split, binding if merged else None)
    return [] if merged else left


def _plan_split(draft: _Draft, name: str, split: Split, binding: str | None) -> None:
    spec, tools = draft.spec, draft.tools
    stem = name.removesuffix(".cu")
    host, device, target = f"{stem}.host.cpp", f"{stem}.device.cu", object_name(name)
    text = split.host if binding is None else f'#line 1 "main.cpp"\n{binding}\n{split.host}'
    draft.files[host], draft.files[device] = text, split.device
    flags = _host_flags_of_cuda(spec, tools)
    includes = [*fixed_definitions(), *include_flags(tools, with_cuda=False)]
    wanted = _header_of(split.host)
    if draft.is_narrow and wanted is None:
        raise NotSplittable("PyTorch's headers behind others")
    start = _read_first(draft, wanted, flags, includes)
    common = [*definitions(spec), *include_flags(tools, with_cuda=True), *flags]
    host_step = {"command": [str(tools.cxx), "-c", host, "-o", f"{stem}.host.o", *start, *common]}
    device_step = {"command": compile_command(device, target, spec, tools, _linkage(split, tools))}
    compiler = f"{compiler_of('x.cpp', tools)}; {compiler_of(name, tools)}"
    if split.kernel_templates:
        kernels = {"object": f"{stem}.host.o", "into": device, "templates": split.kernel_templates}
        draft.add(compiler, [f"{stem}.host.o", target], host_step, kernels, device_step)
    else:
        draft.add(compiler_of("x.cpp", tools), [f"{stem}.host.o"], host_step)
        draft.add(compiler_of(name, tools), [target], device_step)
    draft.methods.add("split")


# What the compiler is told of headers, beside where they are found otherwise.
def _read_first(draft: _Draft, wanted: str | None, flags: list[str], includes: list[str]) -> list[str]:
    text = NARROW if draft.is_narrow else f"#include <{wanted}>\n"
    header = None if wanted is None else draft.headers.provide(text, flags, includes)
    folder = [f"-I{FOLDER}"] if draft.is_narrow else []
    return [*folder, *(("-include", header, "-Winvalid-pch") if header else ())]


# From CUDA 13 on the host functions of kernel templates are local to their object.
def _linkage(split: Split, tools: Toolchain) -> tuple[str, ...]:
    numbers = [int(part) for part in re.findall(r"\d+", tools.nvcc_version or "0")][:2]
    return ("-static-global-template-stub=false",) if split.kernel_templates and numbers >= [12, 8] else ()


def _plan_source(draft: _Draft, name: str) -> None:
    spec, tools = draft.spec, draft.tools
    more: list[str] = []
    if not name.endswith(".cu") and first_include(dict(spec["units"])[name]) == EXTENSION:
        flags = ["-fPIC", f"-std={tools.standard}", *host_flags(spec["extra_cflags"])]
        includes = [*fixed_definitions(), *include_flags(tools, with_cuda=False)]
        more = _read_first(draft, EXTENSION, flags, includes)
        draft.methods |= {"narrow"} if draft.is_narrow else {"precompiled"} if more else set()
    command = compile_command(name, object_name(name), spec, tools, tuple(more))
    draft.add(compiler_of(name, tools), [object_name(name)], {"command": command})


# What nvcc hands on to the compiler of the host part.
def _host_flags_of_cuda(spec: dict, tools: Toolchain) -> list[str]:
    words = [*cpp_extension.COMMON_NVCC_FLAGS, *device_flags(spec["extra_cuda_cflags"])]
    flags = ["-fPIC"]
    for index, word in enumerate(words):
        is_for_host = index > 0 and words[index - 1] == "-Xcompiler"
        if is_for_host or word.startswith(("-D", "-U", "-O", "-std=")):
            flags.append(word)
    return flags if any(flag.startswith("-std=") for flag in flags) else [*flags, f"-std={tools.standard}"]


# A binding computes nothing, so the level it is optimized at changes none of its results; other flags might.
def _fits_beside(spec: dict) -> bool:
    words = [word for flag in spec["extra_cflags"] for word in flag.split()]
    return optimization_of(words) is not None and not any(word.startswith(("-D", "-std")) for word in words)


# It comes first only if nothing before it could change what it says.
def _header_of(host: str) -> str | None:
    included = set()
    for line in host.partition("#line")[2].splitlines()[1:]:
        found = _INCLUDE.match(line)
        if found is None and line.strip():
            break
        included |= {found.group(1)} if found is not None else set()
    return next((header for header in (EXTENSION, TYPES) if header in included), None)
