"""A candidate's process is made ready while the reference of its task is opened."""

from __future__ import annotations

from dataclasses import replace

import pytest
from curate_worker.channel import Message
from curate_worker.judge import tasks as task_sessions
from curate_worker.judge.candidate_run import CandidateRun
from curate_worker.judge.environment import triton_version
from curate_worker.judge.faults import Verdict
from curate_worker.judge.open_reference import open_reference, opened_reference
from curate_worker.judge.prepared import prepare
from curate_worker.judge.reference import Reference
from curate_worker.judge.reference_errors import start_reference
from curate_worker.judge.requests import Candidate, Request, Task, Workload
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.judge.station import Station
from curate_worker.judge.tasks import TaskSession
from small_task import REFERENCE, SETTINGS


def _run(station: Station, more: str) -> CandidateRun:
    source = REFERENCE.replace("Model", "ModelNew") + more
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": source})
    request = Request("n", Task("beside", REFERENCE, [Workload("w", {})]), candidate, SETTINGS)
    return CandidateRun(station, request, prepare(station, candidate))


def test_a_candidate_is_loaded_while_its_reference_is_opened(opened: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    station, _ = opened
    happened: list[str] = []
    asked: dict[RunnerHandle, str] = {}
    begin, answer = RunnerHandle.begin, RunnerHandle.answer

    def noted_begin(self: RunnerHandle, kind: str, *given: object, **named: object) -> None:
        asked[self] = kind
        happened.append(f"{kind} begun")
        begin(self, kind, *given, **named)

    def noted_answer(self: RunnerHandle) -> Message:
        told = answer(self)
        happened.append(f"{asked[self]} answered")
        return told

    monkeypatch.setattr(RunnerHandle, "begin", noted_begin)
    monkeypatch.setattr(RunnerHandle, "answer", noted_answer)
    task = Task("beside", REFERENCE, [Workload("w", {})])
    with _run(station, "") as run, start_reference(station, SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (SETTINGS, "cpu"), beside=run)
        assert happened == ["open_reference begun", "load begun", "open_reference answered", "load answered"]
        run.bind(reference)
        assert (run.process.is_running, run.process.num_starts) == (True, 1)
    assert happened.count("load begun") == 1


def test_what_fails_at_first_is_told_when_it_fails_again(opened: tuple) -> None:
    station, _ = opened
    task = Task("beside", REFERENCE, [Workload("w", {})])
    with _run(station, "1 / 0\n") as run, start_reference(station, SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (SETTINGS, "cpu"), beside=run)
        assert not run.process.is_running
        with pytest.raises(Verdict) as caught:
            run.bind(reference)
    assert (caught.value.cause, caught.value.blame) == ("LOAD_ERROR", "candidate")
    assert "division by zero" in caught.value.log


def test_a_reference_that_fails_leaves_no_load_unfinished(opened: tuple) -> None:
    station, _ = opened
    task = Task("beside", REFERENCE + "1 / 0\n", [Workload("w", {})])
    with _run(station, "") as run, start_reference(station, SETTINGS, "cpu") as runner:
        with pytest.raises(Verdict) as caught:
            opened_reference(station, runner, task, task.workloads[0], (SETTINGS, "cpu"), beside=run)
        assert caught.value.blame == "task"
        assert run.process.is_running
        run.process.start()
        assert run.process.num_starts == 1


@pytest.mark.parametrize("cause", ["REF_TIMEOUT", "LOW_POWER"])
def test_what_its_neighbour_may_have_done_to_a_reference_is_not_believed(
    opened: tuple, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    station, _ = opened
    tasks, task = TaskSession(station), Task("beside", REFERENCE, [Workload("w", {})])
    tried: list[bool] = []

    def spoiled(*given: object) -> Reference:
        tried.append(run.process.is_running)
        if run.process.is_running:
            raise Verdict("INVALID_REFERENCE", "task", cause, "task", "beside another")
        return open_reference(*given)

    monkeypatch.setattr(task_sessions, "open_reference", spoiled)
    tasks.enter(task, SETTINGS)
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
    program = REFERENCE.replace("    def forward", f"{looking}\n    def forward").replace("Model", "ModelNew")
    source = f"import os\nimport triton\n{program}"
    candidate = Candidate("triton", "python", "candidate.py::ModelNew", {"candidate.py": source})
    task = Task("beside", REFERENCE, [Workload("w", {})])
    request = Request("n", task, candidate, SETTINGS)
    with start_reference(station, SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (SETTINGS, "cpu"))
        with CandidateRun(station, request, prepare(station, candidate)) as run:
            run.start_ahead()
            with pytest.raises(Verdict) as caught:
                run.bind(reference)
    assert found in caught.value.log
