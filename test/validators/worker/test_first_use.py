"""What libraries import when they are first used is there before runners are forked."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from curate_worker.judge.station import Station
from test_sandbox import said

WORKER = Path(__file__).resolve().parents[3] / "validators" / "worker"
# The fork server's own imports, then one of ours; says what a first use still imports, and the threads that there are.
PROGRAM = """
import os, sys
sys.path.insert(0, {worker!r})
import curate_worker.fork_server, triton.language
import curate_worker.runner.{module} as first
first.warm_up()
threads = len(os.listdir("/proc/self/task"))
{before}
known = set(sys.modules)
{use}
print(threads, *sorted(set(sys.modules) - known))
"""
LAUNCH = ("sys.path.insert(0, os.getcwd()); import kernel, torch", "kernel.launch(torch.ones(4))")
GRADIENT = (
    "import torch; x = torch.ones(2, requires_grad=True); y = x * 2",
    "torch.autograd.grad([y], [x], [torch.ones(2)], allow_unused=True)",
)
KERNEL = """
import triton, triton.language as tl
@triton.jit
def double(x, BLOCK: tl.constexpr):
    places = tl.arange(0, BLOCK)
    tl.store(x + places, 2 * tl.load(x + places))
def launch(x):
    double[(1,)](x, BLOCK=4)
"""


@pytest.mark.skipif(find_spec("triton") is None, reason="there is no Triton on this machine")
@pytest.mark.parametrize(("module", "use"), [("first_launch", LAUNCH), ("first_gradient", GRADIENT)])
def test_a_first_use_imports_nothing_more_and_no_thread_was_started(tmp_path: Path, module: str, use: tuple) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    program = PROGRAM.format(worker=str(WORKER), module=module, before=use[0], use=use[1])
    environment = {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-B", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]


def test_what_the_fork_server_prepared_is_there_in_every_process(opened: tuple) -> None:
    station: Station = opened[0]
    asked = "'torch.fx.experimental.symbolic_shapes' in __import__('sys').modules"
    for _ in range(2):
        station.server.prepare("curate_worker.runner.first_gradient")
    assert said(opened, asked) == "True"
