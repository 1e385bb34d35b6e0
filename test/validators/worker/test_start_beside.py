"""A candidate's process is made ready while the reference of its task is opened."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from curate_worker.judge import tasks as task_sessions
from curate_worker.judge.candidate_run import CandidateRun
from curate_worker.judge.environment import triton_version
from curate_worker.judge.faults import Verdict
from curate_worker.judge.open_reference import open_reference, opened_reference
from curate_worker.judge.prepared import prepare
from curate_worker.judge.reference import Reference
from curate_worker.judge.reference_errors import start_reference
from curate_worker.judge.requests import Candidate, Request, Settings, Task, Workload
from curate_worker.judge.station import Station
from curate_worker.judge.tasks import TaskSession

_PROGRAM = """
import time
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) * 2

def get_inputs():
    return [torch.rand(64, 33)]

def get_init_inputs():
    return []

"""
_SECONDS = 1.0
_SLEEPS = f"time.sleep({_SECONDS})\n"
_SETTINGS = Settings("screen", 2, 20.0, 0.1, 60.0, 2_000_000_000, 7)


def _run(station: Station, more: str) -> CandidateRun:
    source = _PROGRAM.replace("Model", "ModelNew") + more
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": source})
    request = Request("n", Task("beside", _PROGRAM, [Workload("w", {})]), candidate, _SETTINGS)
    return CandidateRun(station, request, prepare(station, candidate))


def test_both_are_ready_after_the_time_of_one(opened: tuple) -> None:
    station, _ = opened
    task = Task("beside", _PROGRAM + _SLEEPS, [Workload("w", {})])
    with _run(station, _SLEEPS) as run, start_reference(station, _SETTINGS, "cpu") as runner:
        start = time.monotonic()
        reference = opened_reference(station, runner, task, task.workloads[0], (_SETTINGS, "cpu"), beside=run)
        run.bind(reference)
        seconds = time.monotonic() - start
        assert (run.process.is_running, run.process.num_starts) == (True, 1)
    assert _SECONDS < seconds < 2 * _SECONDS


def test_what_fails_at_first_is_told_when_it_fails_again(opened: tuple) -> None:
    station, _ = opened
    task = Task("beside", _PROGRAM, [Workload("w", {})])
    with _run(station, "1 / 0\n") as run, start_reference(station, _SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (_SETTINGS, "cpu"), beside=run)
        assert not run.process.is_running
        with pytest.raises(Verdict) as caught:
            run.bind(reference)
    assert (caught.value.cause, caught.value.blame) == ("LOAD_ERROR", "candidate")
    assert "division by zero" in caught.value.log


def test_a_reference_that_fails_leaves_no_load_unfinished(opened: tuple) -> None:
    station, _ = opened
    task = Task("beside", _PROGRAM + "1 / 0\n", [Workload("w", {})])
    with _run(station, "") as run, start_reference(station, _SETTINGS, "cpu") as runner:
        with pytest.raises(Verdict) as caught:
            opened_reference(station, runner, task, task.workloads[0], (_SETTINGS, "cpu"), beside=run)
        assert caught.value.blame == "task"
        assert run.process.is_running
        run.process.start()
        assert run.process.num_starts == 1


@pytest.mark.parametrize("cause", ["REF_TIMEOUT", "LOW_POWER"])
def test_what_its_neighbour_may_have_done_to_a_reference_is_not_believed(
    opened: tuple, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    station, _ = opened
    tasks, task = TaskSession(station), Task("beside", _PROGRAM, [Workload("w", {})])
    tried: list[bool] = []

    def spoiled(*given: object) -> Reference:
        tried.append(run.process.is_running)
        if run.process.is_running:
            raise Verdict("INVALID_REFERENCE", "task", cause, "task", "beside another")
        return open_reference(*given)

    monkeypatch.setattr(task_sessions, "open_reference", spoiled)
    tasks.enter(task, _SETTINGS)
    with station.locks.shared(), _run(station, "") as run:
        run.start_ahead()
        if cause == "LOW_POWER":
            with pytest.raises(Verdict):
                tasks.reference(task.workloads[0], "cpu", run)
        else:
            assert tasks.reference(task.workloads[0], "cpu", run).case(0)
        tasks.close()
    assert tried == [True] + [False] * (cause == "REF_TIMEOUT")


class _Compiling:
    """Stands for kernels that are compiled while a GPU is waited for."""

    def __init__(self, num_looks: int) -> None:
        self._left = num_looks

    def find(self, *_: object) -> dict[str, bytes]:
        self._left -= 1
        return {} if self._left > 0 else {"KERNEL/add.cubin": b"compiled"}


@pytest.mark.skipif(triton_version() is None, reason="there is no Triton")
@pytest.mark.parametrize(("num_looks", "found"), [(1, "compiled"), (2, "compiled"), (3, "nothing")])
def test_kernels_that_were_compiled_after_a_candidate_was_loaded_are_there_before_it_is_called(
    opened: tuple, num_looks: int, found: str
) -> None:
    station = replace(opened[0], kernels=_Compiling(num_looks))
    looking = """
    def __init__(self):
        super().__init__()
        path = os.path.join(os.environ["TRITON_CACHE_DIR"], "KERNEL", "add.cubin")
        raise ValueError(open(path).read() if os.path.exists(path) else "nothing")
"""
    program = _PROGRAM.replace("    def forward", f"{looking}\n    def forward").replace("Model", "ModelNew")
    source = f"import os\nimport triton\n{program}"
    candidate = Candidate("triton", "python", "candidate.py::ModelNew", {"candidate.py": source})
    task = Task("beside", _PROGRAM, [Workload("w", {})])
    request = Request("n", task, candidate, _SETTINGS)
    with start_reference(station, _SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (_SETTINGS, "cpu"))
        with CandidateRun(station, request, prepare(station, candidate)) as run:
            run.start_ahead()
            with pytest.raises(Verdict) as caught:
                run.bind(reference)
    assert found in caught.value.log
