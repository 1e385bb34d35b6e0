"""Measures one call: CUDA events on a GPU, the monotonic clock on the processor, caches emptied before."""

from __future__ import annotations

import ctypes
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ..containers import tensors_in

_MIN_FLUSH_BYTES, _MAX_FLUSH_BYTES = 8 << 20, 256 << 20
_DEFAULT_CACHE_BYTES = 32 << 20
# About a millisecond at 2 GHz: longer than it takes to queue the calls of most programs.
_BLOCKING_CYCLES = 2_000_000
# Some 50 ms, of which 10 are left to whoever computes elsewhere, and the rest to looking.
_PROBE_CYCLES, _PROBE_SECONDS = 100_000_000, 0.01
# Fewer numbers may be right by accident: memory that was used before is not empty.
_LEAST_ELEMENTS = 16
# Of a larger tensor that many parts of that many elements are looked at: copying 6 GB to the host takes three seconds.
_NUM_SAMPLES, _ELEMENTS_OF_SAMPLE = 64, 16_384

# CU_LIMIT_PERSISTING_L2_CACHE_SIZE: https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html
_PERSISTING_CACHE_SIZE = 6

# Bound before any program is loaded, so that replacing `time.perf_counter_ns` changes nothing here.
_now = time.perf_counter_ns
_randbelow = secrets.randbelow
_load_library = ctypes.CDLL
_number_at = ctypes.c_int32.from_address


@dataclass(frozen=True)
class Measured:
    """What a call returned and how long it took."""

    output: object
    nanoseconds: int
    is_host_free: bool = False
    """Whether the host was done before the device began, so that only the device's time was measured."""
    computed_early: bool | None = None
    """Whether outputs were there while the stream that they belong to was still blocked; None where not looked at."""


def now() -> int:
    """Nanoseconds since some time."""
    return _now()


class Clock:
    """The clock of one runner; makes its flush buffer on first use."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._buffer: torch.Tensor | None = None
        self.is_deceived = False
        """Whether a flush of the caches took no effect: an operator was replaced."""
        self._driver = _load_library("libcuda.so.1") if device == "cuda" else None

    def flush(self) -> None:
        """Writes more than the last-level cache holds, so that no call finds its inputs there."""
        if self._driver is not None:
            # What a program asked the cache to keep, writing would not drive out.
            self._driver.cuCtxSetLimit(_PERSISTING_CACHE_SIZE, ctypes.c_size_t(0))
            self._driver.cuCtxResetPersistingL2Cache()
        if self._buffer is None:
            self._buffer = torch.empty(self._flush_bytes() // 4, dtype=torch.int32, device=self._device)
        if self._device == "cpu":
            self._flush_and_look(self._buffer)
        else:
            self._buffer.add_(1)

    # Read from memory: an operator that was replaced does not say so.
    def _flush_and_look(self, buffer: torch.Tensor) -> None:
        last = _number_at(buffer.data_ptr() + buffer.nbytes - buffer.itemsize)
        before = last.value
        buffer.add_(1)
        self.is_deceived = self.is_deceived or last.value == before

    def measure(self, call: Callable[[], object], patience: int = 1) -> Measured:
        """
        Runs `call` once and gives its duration in nanoseconds. A GPU is kept busy before it, `patience` milliseconds
        or so, so that the host has queued all of it when the device begins.
        """
        if self._device == "cpu":
            start = _now()
            output = call()
            return Measured(output, _now() - start)
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        # As nvbench does: launching is not measured.
        torch.cuda._sleep(patience * _BLOCKING_CYCLES)
        begin.record()
        output = call()
        end.record()
        is_host_free = not begin.query()
        torch.cuda.synchronize()
        return Measured(output, round(begin.elapsed_time(end) * 1e6), is_host_free)

    def measure_blocked(self, call: Callable[[], object]) -> Measured:
        """
        Runs `call` while the current stream of the GPU is blocked. Whose outputs are there all the same has computed
        them where the events of that stream do not see it: on another stream, in a thread, or before the call.
        """
        if self._device == "cpu":
            return self.measure(call)
        watcher, begin = torch.cuda.Stream(), torch.cuda.Event()
        torch.cuda.synchronize()
        torch.cuda._sleep(_PROBE_CYCLES)
        begin.record()
        start = _now()
        output = call()
        # What is no tensor but an object of its own is refused elsewhere; its methods are not called.
        plain = [tensor for tensor in tensors_in(output) if type(tensor) is torch.Tensor]
        tensors = [tensor for tensor in plain if tensor.is_cuda and tensor.is_floating_point()]
        time.sleep(_PROBE_SECONDS)
        samples = [part for tensor in tensors for part in samples_of(tensor)]
        with torch.cuda.stream(watcher):
            early = [part.cpu() for part in samples]
        is_seen = not begin.query() and sum(tensor.numel() for tensor in tensors) >= _LEAST_ELEMENTS
        torch.cuda.synchronize()
        if not is_seen:
            return Measured(output, _now() - start)
        same = all(torch.equal(before, part.cpu()) for before, part in zip(early, samples, strict=True))
        return Measured(output, _now() - start, computed_early=same)

    # Twice the cache, so that replacement policies that keep part of it are beaten as well.
    def _flush_bytes(self) -> int:
        if self._device == "cpu":
            cache = _processor_cache_bytes()
        else:
            cache = getattr(torch.cuda.get_device_properties(0), "L2_cache_size", _DEFAULT_CACHE_BYTES)
        return min(max(2 * cache, _MIN_FLUSH_BYTES), _MAX_FLUSH_BYTES)


def samples_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """
    A large tensor's elements at places that no program knows, as views: gathering them would launch a kernel, and
    loading one may wait for the blocked stream. A tensor with gaps in its memory is looked at as a whole.
    """
    span = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    if tensor.numel() <= _NUM_SAMPLES * _ELEMENTS_OF_SAMPLE or span != tensor.numel():
        return [tensor]
    flat = tensor.as_strided((span,), (1,), tensor.storage_offset())
    starts = [_randbelow(span - _ELEMENTS_OF_SAMPLE + 1) for _ in range(_NUM_SAMPLES)]
    return [flat[start : start + _ELEMENTS_OF_SAMPLE] for start in starts]


def waited_nanoseconds(device: str) -> int:
    """
    How long the threads of this process have been ready to run while other programs had the processor: second field of
    schedstat (https://docs.kernel.org/scheduler/sched-stats.html). What runs on a GPU is launched by one thread, and
    looking at the others, which drivers and compilers start by the dozen, takes time that the judge's clock sees.
    """
    total = 0
    threads = Path("/proc/self/task").iterdir() if device == "cpu" else [Path("/proc/thread-self")]
    for thread in threads:
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
