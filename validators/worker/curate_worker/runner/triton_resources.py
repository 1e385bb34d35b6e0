"""
Has Triton keep with each kernel what ptxas told of it: registers, spills, shared memory. It asks ptxas for that anyway,
prints it where it is told to, and forgets it otherwise; what a kernel's metadata holds stays in Triton's cache.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import threading
from typing import Final

# Of metadata, so what Triton makes a field of a named tuple.
_LOG: Final = "ptxas_log"
_PRINTS: Final = "TRITON_DUMP_PTXAS_LOG"
_MOST_CHARACTERS: Final = 4096
_TIME: Final = "Compile time"


def keep_ptxas_logs() -> None:
    """Called before a program is loaded. Where Triton calls ptxas elsewhere than it used to, nothing is kept."""
    try:
        compiler = importlib.import_module("triton.backends.nvidia.compiler")
        original = compiler.CUDABackend.make_cubin
    except (ImportError, AttributeError):
        return
    # Kernels are compiled in threads as well.
    heard = threading.local()

    def hear(*texts: object, **options: object) -> None:
        if getattr(heard, "texts", None) is None:
            print(*texts, **options)
        else:
            heard.texts.extend(map(str, texts))

    def make_cubin(backend: object, source: object, metadata: dict, *arguments: object, **options: object) -> object:
        heard.texts = []
        try:
            cubin = original(backend, source, metadata, *arguments, **options)
            metadata[_LOG] = _lasting("\n".join(heard.texts))[:_MOST_CHARACTERS]
        finally:
            heard.texts = None
        return cubin

    os.environ[_PRINTS] = "1"
    compiler.print = hear
    compiler.CUDABackend.make_cubin = make_cubin


# Without how long it took, which is another time each time.
def _lasting(log: str) -> str:
    return "\n".join(line for line in log.splitlines() if _TIME not in line)


def resources_of(kernel: object) -> dict | None:
    """What is known of a compiled kernel; None for what is none, or was compiled by another Triton."""
    metadata, assembled = getattr(kernel, "metadata", None), getattr(kernel, "asm", None)
    log = getattr(metadata, _LOG, None)
    if not isinstance(log, str) or not isinstance(assembled, dict):
        return None
    digest = hashlib.sha256(assembled.get("cubin", b"")).hexdigest()
    return {"log": log, "shared": int(getattr(metadata, "shared", 0)), "sha256": digest}
