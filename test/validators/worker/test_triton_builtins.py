"""Triton's interpreter, which looks for operators once, gives what it gives otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

WORKER = Path(__file__).resolve().parents[3] / "validators" / "worker"
PROGRAM = """
import sys, time, inspect
sys.path.insert(0, {worker!r})
import torch, triton
import triton.language as tl
import triton.runtime.interpreter as interpreter
looks = []
look = interpreter.inspect.getmembers
interpreter.inspect.getmembers = lambda place: looks.append(place) or look(place)
if {remembers}:
    from curate_worker.runner.triton_builtins import remember_builtins
    remember_builtins(interpreter, tl)
before = len(looks)
import kernel
tl.own_double = kernel.own_double
x = torch.arange(64, dtype=torch.float32).view(4, 16)
y, z = torch.empty_like(x), torch.empty(4)
for _ in range(2):
    kernel.normalise[(4,)](x, y, z, 16, BLOCK=16)
print(len(looks) - before, [float(item) for item in (*y.flatten(), *z)])
"""
KERNEL = """
import triton
import triton.language as tl
from triton.language import core
@core.builtin
def own_double(x, _semantic=None):
    return _semantic.add(x, x, True)
@triton.jit
def largest(values):
    return tl.max(values, axis=0)
@triton.jit
def normalise(x, y, z, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    places = tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + places)
    top = largest(values)
    shifted = tl.math.exp(values - top)
    tl.store(y + row * columns + places, tl.own_double(shifted / tl.sum(shifted, axis=0)))
    tl.store(z + row, tl.argmax(values, axis=0) + tl.cumsum(values, axis=0).sum())
"""


def printed(folder: Path, *, remembers: bool) -> tuple[int, str]:
    (folder / "kernel.py").write_text(KERNEL)
    program = PROGRAM.format(worker=str(WORKER), remembers=remembers)
    command = [sys.executable, "-B", "-c", program]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    looks, _, values = done.stdout.partition(" ")
    return int(looks), values


@pytest.mark.skipif(find_spec("triton") is None, reason="there is no Triton on this machine")
def test_it_looks_no_more_and_computes_the_same_also_with_operators_of_a_program(tmp_path: Path) -> None:
    looks, values = printed(tmp_path, remembers=False)
    assert looks > len(values.split())
    assert printed(tmp_path, remembers=True) == (0, values)
