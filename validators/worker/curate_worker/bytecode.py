"""
Keeps the bytecode of this package beside its sources. Processes of the worker write none, and to compile all sources
takes a sixth of the start of a judge. Each file holds the hash of its source, which Python compares before it takes it
(https://peps.python.org/pep-0552), and lies where only they may write who may change the sources as well.
"""

from __future__ import annotations

import importlib.util
import py_compile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_HEADER_BYTES = 16
# Bytecode that is compared with its source by hash.
_CHECKED = (0b11).to_bytes(4, "little")


def write_bytecode(package: Path) -> None:
    """Compiles what is not compiled yet, or from another text. Raises OSError where nobody may write there."""
    for source in sorted(package.rglob("*.py")):
        target = Path(importlib.util.cache_from_source(str(source)))
        if not _is_of(target, source.read_bytes()):
            mode = py_compile.PycInvalidationMode.CHECKED_HASH
            py_compile.compile(str(source), str(target), doraise=True, invalidation_mode=mode)


def _is_of(target: Path, text: bytes) -> bool:
    try:
        with target.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return False
    return header == importlib.util.MAGIC_NUMBER + _CHECKED + importlib.util.source_hash(text)


if __name__ == "__main__":
    write_bytecode(_PACKAGE)
