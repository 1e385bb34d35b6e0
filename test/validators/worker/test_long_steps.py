"""What the judge begins only while nobody waits to be alone on the GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from curate_worker.channel import Message
from curate_worker.judge.candidate_process import CandidateProcess
from curate_worker.judge.device_lock import DeviceLocks
from curate_worker.judge.evaluate import evaluate
from curate_worker.judge.prepared import prepare
from curate_worker.judge.requests import Candidate, Request, Task, Workload
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.judge.tasks import TaskSession
from small_task import REFERENCE, SETTINGS

_CANDIDATE = REFERENCE.replace("Model", "ModelNew").replace("torch.relu(x) * 2", "x.clamp(min=0) * 2")


def test_processes_are_made_ready_in_long_steps_and_called_in_short_ones(
    opened: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    station, _ = opened
    asked: dict[bool, set[str]] = {False: set(), True: set()}
    inside: list[bool] = []
    begin, long_step = RunnerHandle.begin, DeviceLocks.long_step

    def noted(self: RunnerHandle, kind: str, *given: object, **named: object) -> None:
        asked[bool(inside)].add(kind)
        begin(self, kind, *given, **named)

    @contextmanager
    def noted_step(self: DeviceLocks) -> Iterator[None]:
        with long_step(self):
            inside.append(True)
            try:
                yield
            finally:
                inside.pop()

    monkeypatch.setattr(RunnerHandle, "begin", noted)
    monkeypatch.setattr(DeviceLocks, "long_step", noted_step)
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": _CANDIDATE})
    asking = Request("n", Task("steps", REFERENCE, [Workload("w", {})]), candidate, SETTINGS)
    tasks = TaskSession(station)
    with station.locks.shared():
        (row,) = evaluate(station, tasks, asking)
        tasks.close()
    assert row["status"] == "PASSED", row["log"]
    assert asked[True] == {"open_reference", "load", "bind"}
    assert {"make_inputs", "stage", "call", "facts", "run_oracle"} <= asked[False]


def test_who_has_the_memory_is_bound_without_waiting_for_a_turn(opened: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    station, _ = opened
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": _CANDIDATE})
    process = CandidateProcess(
        station, Request("n", Task("t", "", []), candidate, SETTINGS), prepare(station, candidate)
    )
    bind, load = Message("bind", {}), Message("load", {})
    assert (process._is_long(bind), process._is_long(load)) == (True, True)
    monkeypatch.setattr(DeviceLocks, "holds_memory", True)
    assert (process._is_long(bind), process._is_long(load)) == (False, True)
