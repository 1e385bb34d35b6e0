"""
What a context of a GPU takes to make, by the number of its queues, and what that does to a process that allocates:
`python bench/gpu-contexts.py` on a machine with a GPU and PyTorch, 40 s. Prints one process at a time by itself, then
two at a time beside a process that copies 3 GiB and one that allocates as much, in seconds, and the ratios to eight.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import statistics
import sys
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

import torch

QUEUES = (8, 2, 1)
GIGABYTES = 3 << 30
SECONDS, WARM_UP, TRIES = 4.0, 3.5, 3


def main() -> None:
    """Prints the table."""
    if not torch.backends.cuda.is_built() or not os.path.exists("/dev/nvidiactl"):  # noqa: PTH110
        sys.exit("there is no GPU on this machine")
    usual: tuple[float, float, float, float] | None = None
    print("queues  context alone  context of two  process of two  allocating 3 GiB (mean)")
    for count in QUEUES:
        alone = statistics.median(_ended(_begun(count))[0] for _ in range(TRIES))
        found = (alone, *_beside_others(count))
        usual = usual or found
        ratios = ", ".join(f"{before / now:.1f}" for before, now in zip(usual, found, strict=True))
        print(f"{count:6d}  " + "  ".join(f"{seconds:13.3f}" for seconds in found) + f"  times as fast as 8: {ratios}")


# Medians of making a context and of the whole process, and the mean of allocating meanwhile.
def _beside_others(count: int) -> tuple[float, float, float]:
    fork = multiprocessing.get_context("fork")
    over, took = fork.Event(), fork.Queue()
    others = [fork.Process(target=work, args=(over, took)) for work in (_copy, _allocate)]
    for other in others:
        other.start()
    time.sleep(WARM_UP)
    until, running, ended = time.monotonic() + SECONDS, [_begun(count), _begun(count)], []
    while time.monotonic() < until:
        ended.append(_ended(running.pop(0)))
        running.append(_begun(count))
    ended += map(_ended, running)
    over.set()
    allocating = next(item for item in (took.get(), took.get()) if item is not None)
    for other in others:
        other.join()
    return *(statistics.median(column) for column in zip(*ended, strict=True)), statistics.mean(allocating)


Begun = tuple[int, int, float]


# Forked from a process that has done nothing with the driver, as runners are.
def _begun(count: int) -> Begun:
    read, write = os.pipe()
    start = time.monotonic()
    process = os.fork()
    if process == 0:
        os.environ["CUDA_DEVICE_MAX_CONNECTIONS"] = str(count)
        os.write(write, json.dumps(_seconds_of_context()).encode())
        os._exit(0)
    os.close(write)
    return process, read, start


# What making the context took, and the process from its fork to its end.
def _ended(begun: Begun) -> tuple[float, float]:
    process, read, start = begun
    seconds = json.loads(os.read(read, 1 << 12))
    os.waitpid(process, 0)
    os.close(read)
    return seconds, time.monotonic() - start


def _seconds_of_context() -> float:
    driver, context = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p()
    driver.cuInit(0)
    start = time.monotonic()
    driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
    seconds = time.monotonic() - start
    torch.relu(torch.zeros(1 << 20, device="cuda")).sum().item()
    return seconds


def _copy(over: Event, took: Queue) -> None:
    source = torch.zeros(GIGABYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    while not over.is_set():
        target.copy_(source)
        torch.cuda.synchronize()
    took.put(None)


def _allocate(over: Event, took: Queue) -> None:
    seconds = []
    while not over.is_set():
        start = time.monotonic()
        torch.empty(GIGABYTES, dtype=torch.uint8, device="cuda")
        torch.cuda.empty_cache()
        seconds.append(time.monotonic() - start)
        time.sleep(0.001)
    took.put(seconds)


if __name__ == "__main__":
    main()
