"""What a GPU gives at best, as the orchestrator's list of datasheets has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peaks:
    """Of one device."""

    bandwidth: float
    """Of its memory, bytes per second."""
    arithmetic: dict[str, float]
    """Floating-point operations per second by dtype, in the fastest way that keeps its precision."""


def peaks_of(told: dict | None) -> Peaks | None:
    """Peaks from GB/s and TFLOPS; None where nobody knows the device."""
    if told is None:
        return None
    half, tensor, single = told["float16"], told["tensor_float32"], told["float32"]
    # Of float32 two halves hold 22 bits: three products, of which two go together.
    ways = [value for value in (tensor, single, None if half is None else half / 2) if value is not None]
    by_dtype = {"float16": half, "bfloat16": half, "float32": max(ways, default=None)}
    known = {name: 1e12 * value for name, value in by_dtype.items() if value is not None}
    return Peaks(1e9 * told["bandwidth"], known)
