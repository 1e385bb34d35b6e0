"""Triton's random numbers under its interpreter are what they are without the judge's short way."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from curate_worker.runner.triton_philox import philox

WORKER = Path(__file__).resolve().parents[3] / "validators" / "worker"
PROGRAM = """
import sys
sys.path.insert(0, {worker!r})
import torch, triton
import triton.language as tl
import triton.runtime.interpreter as interpreter
if {is_quick}:
    from curate_worker.runner import triton_philox
    known = triton_philox.philox
    triton_philox.philox = lambda *words: print("quick", file=sys.stderr) or known(*words)
    triton_philox.install(interpreter, tl)
import kernel
x = torch.empty(6, 64, dtype=torch.float64)
for seed in (7, 2**40 + 17):
    kernel.draw[(2,)](x, seed, BLOCK=32)
    print(x.view(torch.int64).tolist())
"""
KERNEL = """
import triton
import triton.language as tl
@triton.jit
def draw(x, seed, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    first, second, third, fourth = tl.randint4x(seed, places)
    tl.store(x + places, first)
    tl.store(x + 64 + places, third)
    tl.store(x + 128 + places, fourth)
    tl.store(x + 192 + places, tl.rand(seed, places, 7))
    tl.store(x + 256 + places, tl.randn(seed, places.to(tl.int64) * 12345678912))
    tl.store(x + 320 + places, tl.rand(seed, tl.program_id(0)))
"""


def drawn(folder: Path, *, is_quick: bool) -> tuple[str, int]:
    (folder / "kernel.py").write_text(KERNEL)
    command = [sys.executable, "-B", "-c", PROGRAM.format(worker=str(WORKER), is_quick=is_quick)]
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return found.stdout, found.stderr.count("quick")


@pytest.mark.skipif(find_spec("triton") is None, reason="needs Triton")
def test_the_numbers_are_the_same_bit_by_bit(tmp_path: Path) -> None:
    slow, _ = drawn(tmp_path, is_quick=False)
    quick, num_calls = drawn(tmp_path, is_quick=True)
    assert quick == slow
    assert num_calls > 0


# Known answers of Random123, kat_vectors: philox4x32 10.
@pytest.mark.parametrize(
    ("counter", "key", "wanted"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ],
)
def test_the_numbers_are_those_of_its_authors(
    counter: tuple[int, ...], key: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    words = [np.array([item], np.uint32) for item in (*counter, *key)]
    assert [int(item[0]) for item in philox(*words, 10)] == list(wanted)
