"""
The kernels in a cubin and the bytes of their parameters, read from its ELF sections. Whether the arguments of a launch
fit is known so before a GPU is waited for; the driver itself would read whatever lies behind one that is too short.
"""

from __future__ import annotations

import re
import struct
from typing import Final

_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_INFO: Final = ".nv.info."
# `EIATTR_KPARAM_INFO` of .nv.info: index, ordinal, offset, and the size above 18 bits of attributes. Seen in cubins of
# CUDA 11 to 13, as `cuobjdump -elf` and `nvdisasm` print them.
_PARAMETER, _WITH_CONTENT, _SIZE_BITS = 0x17, 4, 18
_ENTRY: Final = struct.Struct("<BBH")
_PARAMETER_INFO: Final = struct.Struct("<IHHI")


def kernels_of(cubin: bytes) -> dict[str, tuple[int, ...]]:
    """For each kernel the bytes of its parameters in order. Raises ValueError for what is no cubin."""
    try:
        return dict(_kernels(cubin))
    except (struct.error, IndexError, OverflowError, ValueError) as error:
        raise ValueError("the compiler wrote no cubin that can be read") from error


def symbol_of(kernel: str, symbols: list[str]) -> str | None:
    """
    The symbol of a kernel as people call it: its own name, or the mangled name of a function that is no template and of
    which there is one. None where there is none, or more than one.
    """
    if kernel in symbols:
        return kernel
    mangled = re.compile(rf"_Z(?:L|N\w*?)?{len(kernel)}{kernel}(?!I)\w*")
    found = [symbol for symbol in symbols if mangled.fullmatch(symbol)]
    return found[0] if len(found) == 1 else None


def _kernels(cubin: bytes) -> list[tuple[str, tuple[int, ...]]]:
    if cubin[:4] != b"\x7fELF":
        raise ValueError("the compiler wrote no cubin")
    (start,) = struct.unpack_from("<Q", cubin, 0x28)
    count, names = struct.unpack_from("<HH", cubin, 0x3C)
    sections = [_SECTION.unpack_from(cubin, start + place * _SECTION.size) for place in range(count)]
    texts = sections[names][4]
    found = []
    for section in sections:
        first = texts + section[0]
        name = cubin[first : cubin.index(b"\0", first)].decode()
        if name.startswith(_INFO):
            found.append((name[len(_INFO) :], _sizes(cubin[section[4] : section[4] + section[5]])))
    return found


def _sizes(info: bytes) -> tuple[int, ...]:
    sizes: dict[int, int] = {}
    place = 0
    while place < len(info):
        form, attribute, length = _ENTRY.unpack_from(info, place)
        place += _ENTRY.size
        if form != _WITH_CONTENT:
            continue
        if attribute == _PARAMETER:
            _, ordinal, _, word = _PARAMETER_INFO.unpack_from(info, place)
            sizes[ordinal] = word >> _SIZE_BITS
        place += length
    return tuple(sizes[ordinal] for ordinal in sorted(sizes))
