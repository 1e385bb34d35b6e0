"""Texts of kernels in PTX, as Triton writes them: what an entry takes, and several of them as one module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .refusal import CannotConvert

_HEADER: Final = re.compile(r"^\s*\.(version|target|address_size)\s+(.*?)\s*$", re.MULTILINE)
_ENTRY: Final = re.compile(r"\.visible\s+\.entry\s+(\w+)\s*\(([^)]*)\)([^{]*)\{")
_THREADS: Final = re.compile(r"\.(?:req|max)ntid\s+(\d+)(?:\s*,\s*1)*\s*$", re.MULTILINE)
# All of a block is its own; Triton declares it once per module.
_SHARED: Final = re.compile(r"^\s*\.extern\s+\.shared\s[^;]*;\s*$", re.MULTILINE)
_GLOBAL: Final = re.compile(r"^\s*\.global\s[^;=\[]*?([\w$]+)\[\d+\][^;]*;\n", re.MULTILINE)
_ELSEWHERE: Final = re.compile(
    r"^\s*(?:\.visible\s+|\.extern\s+|\.weak\s+)*\.(?:global|const|func|shared)\s", re.MULTILINE
)
# Where each line came from, for debuggers.
_LINES: Final = re.compile(r"^\s*\.(?:loc|file)\s.*$\n?", re.MULTILINE)
_SECTION: Final = re.compile(r"^\s*\.section\s+\.debug_\w+\s*\{.*?^\s*\}\s*$", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"//[^\n]*")


@dataclass(frozen=True)
class Kernel:
    """One entry."""

    name: str
    num_parameters: int
    num_threads: int | None
    """Of a block, where the text says so."""
    text: str
    """Its module without comments and what debuggers read."""


def read_kernel(text: str) -> Kernel:
    """Reads a module with one entry. Raises CannotConvert."""
    text = re.sub(r"\n\s*\n+", "\n", _LINES.sub("", _SECTION.sub("", _COMMENT.sub("", text))))
    entries = list(_ENTRY.finditer(text))
    if len(entries) != 1:
        raise CannotConvert("UNREADABLE", f"PTX with {len(entries)} entries")
    name, parameters, directives = entries[0].groups()
    threads = _THREADS.search(directives)
    return Kernel(name, parameters.count(".param"), None if threads is None else int(threads.group(1)), text)


def joined(kernels: dict[str, Kernel]) -> str:
    """Kernels as one module, each under the name that it has here. Raises CannotConvert."""
    modules = [_renamed(kernel, name) for name, kernel in kernels.items()]
    headers = {tuple(_HEADER.findall(module)) for module in modules}
    if len(headers) != 1:
        raise CannotConvert("UNREADABLE", "kernels for several targets")
    bodies = [_HEADER.sub("", module).strip() for module in modules]
    bodies = [_without_unused(body) for body in bodies]
    if len(bodies) > 1:
        bodies = [_SHARED.sub("", body).strip() for body in bodies]
        if any(_ELSEWHERE.search(body) for body in bodies):
            raise CannotConvert("KERNEL_GLOBALS", "one of several kernels has functions or memory beside it")
        declared = {found.strip() for module in modules for found in _SHARED.findall(module)}
        bodies = [*sorted(declared), *bodies]
    head = [f".{directive} {value}" for directive, value in headers.pop()]
    return "\n".join(head) + "\n\n" + "\n\n".join(bodies) + "\n"


# Names of settings that the compiler looked up, and nothing reads any more.
def _without_unused(body: str) -> str:
    for found in list(_GLOBAL.finditer(body)):
        name = rf"(?<![\w$]){re.escape(found.group(1))}(?![\w$])"
        if len(re.findall(name, body)) == 1:
            body = body.replace(found.group(0), "")
    return body


def _renamed(kernel: Kernel, name: str) -> str:
    if name == kernel.name:
        return kernel.text
    text = re.sub(rf"(\.entry\s+){kernel.name}\b", rf"\g<1>{name}", kernel.text)
    return re.sub(rf"\b{kernel.name}(_param_\d+)\b", rf"{name}\g<1>", text)
