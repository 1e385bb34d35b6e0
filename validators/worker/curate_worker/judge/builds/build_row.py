"""What a row of the table `evaluations` says of how native code was compiled."""

from __future__ import annotations

from .build_cache import Built

_MAX_KERNELS, _MAX_REASON = 64, 300


def build_row(builds: list[Built]) -> dict | None:
    """The `build` field; None where nothing was built."""
    if not builds:
        return None
    compilers = sorted({name for built in builds for name in built.compiler.split("; ")})
    hashes = [built.artifact_sha256 for built in builds if built.artifact_sha256 is not None]
    reasons = list(dict.fromkeys(built.fallback for built in builds if built.fallback is not None))
    kernels = [kernel for built in builds for kernel in built.kernels]
    return {
        "compiler": "; ".join(compilers),
        "artifact_sha256": hashes[0] if hashes else None,
        "method": "; ".join(sorted({built.method for built in builds})),
        "fallback": "; ".join(reasons)[:_MAX_REASON] if reasons else None,
        "kernels": kernels[:_MAX_KERNELS],
    }
