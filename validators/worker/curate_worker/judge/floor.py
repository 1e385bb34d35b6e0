"""
The time below which nobody computes a result: what has to be read from memory and written to it, over its bandwidth,
and the arithmetic that nobody can do without, over the peak of arithmetic, both as datasheets give them. A true lower
bound and no false accuser: what need not be read does not count, nor what may stay in the cache.
"""

from __future__ import annotations

import torch

from ..tensors import DTYPES, Blob
from ..values import Parcel
from .cases import Case
from .device_lock import PROCESSOR
from .evidence import Evidence
from .faults import Verdict
from .peaks import Peaks
from .reference import Reference
from .traffic import arithmetic_of

# Of the floor. What is below the first is a lie; between both somebody's datasheet may be wrong: no figure, no blame.
_IMPOSSIBLE, _DOUBTFUL = 0.5, 0.95
# Where as many outputs are the same for two inputs, they may be known beforehand (a triangle of zeros).
_MOST_EQUAL = 0.4
# https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__EVENT.html: "around 0.5 microseconds".
_EVENT_RESOLUTION_MS = 5e-4


def require_possible(reference: Reference, performance: dict, peaks: Peaks | None, evidence: Evidence) -> dict | None:
    """
    The `performance` field again, or None where its time is hardly believable. Raises a Verdict where no device of its
    kind could do it.
    """
    if evidence.proved_on == "gpu" and performance["latency_ms"] < _EVENT_RESOLUTION_MS:
        raise _impossible(performance["latency_ms"], _EVENT_RESOLUTION_MS, "shorter than the clock of a GPU can tell")
    if peaks is None or reference.is_large:
        return performance
    # Most are far from the most that could be asked of them, and then nobody need look closer.
    if performance["latency_ms"] >= _DOUBTFUL * _most_that_can_be(performance, peaks):
        evidence.is_possible = True
        return performance
    floor_ms, why = floor_of(reference, performance, peaks)
    if performance["latency_ms"] < _IMPOSSIBLE * floor_ms:
        raise _impossible(performance["latency_ms"], floor_ms, why)
    evidence.is_possible = performance["latency_ms"] >= _DOUBTFUL * floor_ms
    evidence.floor = f"its time is {performance['latency_ms'] / floor_ms:.2f} of what {why} takes at least"
    return performance if evidence.is_possible else None


def floor_of(reference: Reference, performance: dict, peaks: Peaks) -> tuple[float, str]:
    """Milliseconds that a call takes at least, and what they are needed for."""
    first, second = reference.unforeseen_case(0), reference.unforeseen_case(1)
    read = _needed_bytes(reference, first, second)
    written = max(0, performance["output_bytes"] - _cache_bytes(reference.device))
    memory = (1e3 * (read + written) / peaks.bandwidth, f"moving {(read + written) / 1e6:.1f} MB")
    arithmetic = arithmetic_of(reference)
    peak = None if arithmetic is None else peaks.arithmetic.get(arithmetic.dtype)
    if arithmetic is None or peak is None or not _is_unforeseen(first, second):
        return memory
    return max(memory, (1e3 * arithmetic.unavoidable / peak, f"arithmetic of {arithmetic.unavoidable / 1e9:.2f} GFLOP"))


def _needed_bytes(reference: Reference, first: Case, second: Case) -> float:
    needed = reference.find_needed(first.inputs)
    if needed is None:
        return 0.0
    shares, state_bytes = needed
    equal = _equal_shares(first.inputs, second.inputs)
    read = zip(shares, equal, first.inputs.blobs, strict=True)
    return state_bytes + sum(share * (1 - known) * blob.nbytes for share, known, blob in read)


def _most_that_can_be(performance: dict, peaks: Peaks) -> float:
    moved = sum(performance[name] for name in ("input_bytes", "parameter_bytes", "output_bytes"))
    slowest = min(peaks.arithmetic.values(), default=0.0)
    arithmetic = performance["flops"] / slowest if slowest and performance["flops"] else 0.0
    return 1e3 * max(moved / peaks.bandwidth, arithmetic)


def _impossible(latency_ms: float, floor_ms: float, why: str) -> Verdict:
    text = f"it claims {latency_ms:.5f} ms a call; {why} takes {floor_ms:.5f} ms at least on this device"
    return Verdict("REWARD_HACK", "integrity", "HACK_IMPOSSIBLE", "candidate", text)


# What both draws have in common may be known to a program: zeros above a diagonal, weights of a filter.
def _equal_shares(first: Parcel, second: Parcel) -> list[float]:
    pairs = zip(first.tensors, first.blobs, second.blobs, strict=True)
    return [_equal_share(mine, its, DTYPES[known.dtype].itemsize) for known, mine, its in pairs]


def _equal_share(first: Blob, second: Blob, size: int) -> float:
    if first.nbytes != second.nbytes or first.nbytes == 0:
        return 1.0
    rows = [_bytes(blob).view(-1, size) for blob in (first, second)]
    return float((rows[0] == rows[1]).all(dim=1).float().mean())


def _bytes(blob: Blob) -> torch.Tensor:
    return blob if isinstance(blob, torch.Tensor) else torch.frombuffer(blob, dtype=torch.uint8)


def _is_unforeseen(first: Case, second: Case) -> bool:
    shares = [
        _equal_share(mine.blob, its.blob, DTYPES[mine.descriptor.dtype].itemsize)
        for mine, its in zip(first.expected.own, second.expected.own, strict=True)
        if mine.blob is not None and its.blob is not None and mine.descriptor is not None
    ]
    return max(shares, default=1.0) <= _MOST_EQUAL


# What is written may stay there; who does not say how large it is could keep all of it.
def _cache_bytes(device: str) -> float:
    if device == PROCESSOR:
        return float("inf")
    return getattr(torch.cuda.get_device_properties(0), "L2_cache_size", float("inf"))
