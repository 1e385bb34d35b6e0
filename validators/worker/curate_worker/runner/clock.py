"""Measures one call: CUDA events on a GPU, the monotonic clock on the processor, caches emptied before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

_MIN_FLUSH_BYTES, _MAX_FLUSH_BYTES = 8 << 20, 256 << 20
_DEFAULT_CACHE_BYTES = 32 << 20

# Bound before any program is loaded, so that replacing `time.perf_counter_ns` changes nothing here.
_now = time.perf_counter_ns


@dataclass(frozen=True)
class Measured:
    """What a call returned and how long it took."""

    output: object
    nanoseconds: int


class Clock:
    """The clock of one runner; makes its flush buffer on first use."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._buffer: torch.Tensor | None = None

    def flush(self) -> None:
        """Writes more than the last-level cache holds, so that no call finds its inputs there."""
        if self._buffer is None:
            self._buffer = torch.empty(self._flush_bytes() // 4, dtype=torch.int32, device=self._device)
        self._buffer.add_(1)

    def measure(self, call: Callable[[], object]) -> Measured:
        """Runs `call` once and gives its duration in nanoseconds."""
        if self._device == "cpu":
            start = _now()
            output = call()
            return Measured(output, _now() - start)
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        begin.record()
        output = call()
        end.record()
        torch.cuda.synchronize()
        return Measured(output, round(begin.elapsed_time(end) * 1e6))

    # Twice the cache, so that replacement policies that keep part of it are beaten as well.
    def _flush_bytes(self) -> int:
        if self._device == "cpu":
            cache = _processor_cache_bytes()
        else:
            cache = getattr(torch.cuda.get_device_properties(0), "L2_cache_size", _DEFAULT_CACHE_BYTES)
        return min(max(2 * cache, _MIN_FLUSH_BYTES), _MAX_FLUSH_BYTES)


def waited_nanoseconds() -> int:
    """
    How long the threads of this process have been ready to run while other programs had the processor: second field of
    schedstat (https://docs.kernel.org/scheduler/sched-stats.html).
    """
    total = 0
    for thread in Path("/proc/self/task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue
    return total


def _processor_cache_bytes() -> int:
    sizes = [_parse_size(path) for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")]
    return max(sizes, default=_DEFAULT_CACHE_BYTES)


def _parse_size(path: Path) -> int:
    text = path.read_text().strip()
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1:] in units else int(text)
