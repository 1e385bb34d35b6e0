"""
What Triton knows itself by: a digest of all of its files, hundreds of megabytes, that each process makes before it
looks into its cache. Half a second in which a GPU's memory waits, for what one process can tell all others.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

# Of Triton 3.4 and later; before that it was the compiler's.
_PLACES = ("triton.runtime.cache", "triton.compiler.compiler", "triton.runtime.autotuner")
_NAME = "triton_key"


def identity_of_triton() -> str | None:
    """The digest; None where there is no Triton, or one that does it otherwise."""
    with contextlib.suppress(Exception):
        importlib.import_module("triton")
        for module in _modules():
            return str(getattr(module, _NAME)())
    return None


def tell_identity(known: str) -> None:
    """Spares this process, which has imported Triton, the making of it."""
    for module in _modules():
        setattr(module, _NAME, lambda: known)


def _modules() -> Iterator[ModuleType]:
    found = (sys.modules.get(name) for name in _PLACES)
    return (module for module in found if module is not None and hasattr(module, _NAME))
