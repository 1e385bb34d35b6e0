"""Programs that are stopped while another one is timed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from curate_worker.judge.held_still import held_still
from curate_worker.judge.processor_time import processes_below, ran_ns

_BUSY = "import os, threading\nos.fork()\nthreading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()\n"
NUM_BUSY = 2
_ROOT = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', sys.argv[1]])\n"


@pytest.fixture
def root() -> Iterator[int]:
    """A process below which two others are busy."""
    with subprocess.Popen([sys.executable, "-c", _ROOT, _BUSY]) as process:
        until = time.monotonic() + 20
        while len(processes_below(process.pid)) < NUM_BUSY and time.monotonic() < until:
            time.sleep(0.01)
        yield process.pid
        for number in [*processes_below(process.pid), process.pid]:
            os.kill(number, signal.SIGKILL)


def _states(root: int) -> set[str]:
    return {Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] for number in processes_below(root)}


def test_nothing_below_a_process_runs_meanwhile_and_all_of_it_does_afterwards(root: int) -> None:
    with held_still(root):
        time.sleep(0.02)
        assert _states(root) == {"T"}
        before = ran_ns(root)
        time.sleep(0.1)
        assert ran_ns(root) == before
    assert "T" not in _states(root)
    until = time.monotonic() + 20
    while ran_ns(root) == before and time.monotonic() < until:
        time.sleep(0.01)
    assert ran_ns(root) > before


def test_what_was_stopped_runs_again_where_the_reference_fails(root: int) -> None:
    with pytest.raises(ValueError, match="failed"), held_still(root):
        raise ValueError("failed")
    assert "T" not in _states(root)


def test_a_process_that_is_gone_is_no_matter() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with held_still(process.pid):
            pass
