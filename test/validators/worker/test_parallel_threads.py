"""Threads of parallel loops sleep soon after them where nothing is timed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from curate_worker.judge.launch import _SPINNING

NUM_THREADS = 2
PROGRAM = """
import ctypes, sys, time
library = ctypes.CDLL(sys.argv[1])
start = time.process_time()
for _ in range(20):
    library.GOMP_parallel(ctypes.cast(library.omp_get_thread_num, ctypes.c_void_p), None, 0, 0)
    time.sleep(0.02)
print(time.process_time() - start)
"""


def library() -> str:
    torch.ones(1).sum()
    lines = Path("/proc/self/maps").read_text().splitlines()
    found = [line.split()[-1] for line in lines if "/libgomp" in line]
    if not found:
        pytest.skip("this PyTorch shares its loops with another library")
    return found[0]


def seconds_of_loops(environment: dict[str, str]) -> float:
    """What twenty loops that do nothing take of processors."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-B", "-c", PROGRAM, library()]
    environment = {**known, "OMP_NUM_THREADS": str(NUM_THREADS), **environment}
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


# Of more threads than there are processors none spins.
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < NUM_THREADS, reason="there is one processor")
def test_they_take_a_fraction_of_what_they_take_otherwise() -> None:
    assert seconds_of_loops(_SPINNING) < seconds_of_loops({}) / 4
