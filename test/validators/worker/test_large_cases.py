"""Tasks of which a call takes so much memory that there is room for one: here, anything beyond a kilobyte."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from curate_worker.judge import case_making, cases, gradient_choice, reference, reference_cases, reference_errors
from curate_worker.judge.cases import Case
from curate_worker.judge.device_lock import DeviceLocks
from curate_worker.judge.evaluate import evaluate
from curate_worker.judge.expected import Usual
from curate_worker.judge.free_orders import FreeOrder
from curate_worker.judge.null_kernels import Call
from curate_worker.judge.proofs import Proof, ProofStore
from curate_worker.judge.requests import Candidate, Request, Settings, Task, Workload
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.judge.station import Station
from curate_worker.judge.tasks import TaskSession
from curate_worker.judge.tolerance import FaintNumbers, Tolerance
from curate_worker.values import Parcel

_REFERENCE = """
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) * 2 {}

def get_inputs():
    return [torch.rand(64, 33)]

def get_init_inputs():
    return []
"""
_CANDIDATE = "import torch\n\nclass ModelNew(torch.nn.Module):\n    def forward(self, x):\n        return {}\n"
_SETTINGS = Settings("screen", 2, 20.0, 0.1, 60.0, 2_000_000_000, 7)


@pytest.fixture
def most_alive(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many cases there were beside each that was made."""
    for module in (case_making, cases, gradient_choice, reference_cases):
        monkeypatch.setattr(module, "MAX_CACHED_BYTES", 1 << 10)
    alive: weakref.WeakValueDictionary[int, Case] = weakref.WeakValueDictionary()
    counts: list[int] = []

    def made(*given: object, **named: object) -> Case:
        counts.append(len(alive))
        case = Case(*given, **named)
        alive[len(counts)] = case
        return case

    monkeypatch.setattr(case_making, "Case", made)
    return counts


@pytest.mark.parametrize(
    ("of_all_rows", "expression", "sizes"),
    [("", "2 * torch.relu(x)", {8 * 33}), ("+ x.mean(0)", "2 * torch.relu(x) + x.mean(0)", {64 * 33})],
)
def test_higher_precision_is_asked_for_some_rows_of_what_treats_each_row_by_itself_and_for_all_others(
    opened: tuple, monkeypatch: pytest.MonkeyPatch, of_all_rows: str, expression: str, sizes: set[int]
) -> None:
    monkeypatch.setattr(case_making, "MAX_CACHED_BYTES", 1 << 10)
    asked, run_oracle = [], reference.Reference.run_oracle

    def noted(self: reference.Reference, inputs: Parcel, *given: object) -> Parcel:
        asked.append(inputs.num_bytes // 4)
        return run_oracle(self, inputs, *given)

    monkeypatch.setattr(reference.Reference, "run_oracle", noted)
    row = _judged(opened[0], f"rows {of_all_rows}", expression, of_all_rows)
    assert row["status"] == "PASSED", row["log"]
    assert set(asked) == sizes


@pytest.mark.parametrize(
    ("expression", "status", "log"),
    [
        ("x.clamp(min=0) + torch.relu(x)", "PASSED", ""),
        ("2 * x", "INCORRECT_NUMERICAL", "on inputs drawn by-row"),
    ],
)
def test_each_case_is_gone_before_the_next_and_the_row_says_what_it_was_held_against(
    opened: tuple, most_alive: list[int], expression: str, status: str, log: str
) -> None:
    row = _judged(opened[0], f"large {status}", expression)
    assert (row["status"], log in row["log"]) == (status, True), row["log"]
    assert most_alive and set(most_alive) == {0}
    found = [item["passed"] for item in row["checks"] if item["check"] == "float64-oracle@2"]
    assert found == ([None] if status == "PASSED" else [])


@pytest.mark.parametrize(
    ("of_all_rows", "status", "sizes"),
    [("", "PASSED", [8 * 33]), ("* 0", "INVALID_REFERENCE", [8 * 33, 64 * 33]), ("+ x.mean(0)", "PASSED", [64 * 33])],
)
def test_null_kernels_are_tried_on_all_rows_only_where_one_passes_on_some(
    opened: tuple, monkeypatch: pytest.MonkeyPatch, of_all_rows: str, status: str, sizes: list[int]
) -> None:
    for module in (case_making, cases, reference_cases):
        monkeypatch.setattr(module, "MAX_CACHED_BYTES", 1 << 10)
    tried, passing = [], reference.passing_null_kernel

    def noted(calls: list[Call], more: Sequence[Callable[[], Call]] = ()) -> str | None:
        tried.append([*calls, *(make() for make in more[:1])][0][0].num_bytes // 4)
        return passing(calls, more)

    monkeypatch.setattr(reference, "passing_null_kernel", noted)
    row = _judged(opened[0], f"null {of_all_rows}", f"2 * torch.relu(x) {of_all_rows}", of_all_rows)
    assert (row["status"], tried) == (status, sizes), row["log"]


def test_a_task_that_is_closed_leaves_no_case_behind(
    opened: tuple, most_alive: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Case]] = []
    counted = case_making.Case
    monkeypatch.setattr(case_making, "Case", lambda *given: made.append(weakref.ref(case := counted(*given))) or case)
    row, tasks = _judged_by(opened[0], "large refused", "x")
    gc.collect()
    assert (row["status"], row["log"][:30]) == ("INCORRECT_NUMERICAL", "output differs first at [0, 0]")
    assert most_alive and not [case for case in made if case() is not None]
    # Nor is it the session that is gone.
    tasks.close()


def test_no_process_outlives_its_verdict_where_others_were_given_the_memory_before_it_had_ended(
    opened: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[RunnerHandle] = []

    def started_one(*given: object) -> RunnerHandle:
        started.append(RunnerHandle(*given))
        return started[-1]

    told: list[bool] = []
    monkeypatch.setattr(DeviceLocks, "holds_memory", True)
    monkeypatch.setattr(Station, "give_memory_back_early", lambda _: told.append(True))
    monkeypatch.setattr(reference_errors, "RunnerHandle", started_one)
    tasks = TaskSession(opened[0])
    task = Task("given back", _REFERENCE.format(""), [Workload("w", {})])
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": _CANDIDATE.format("x * 2")})
    with opened[0].locks.shared():
        evaluate(opened[0], tasks, Request("n", task, candidate, _SETTINGS))
    assert started and told == [True]
    assert not [runner.process for runner in started if Path(f"/proc/{runner.process}").exists()]


def test_what_another_judge_proved_of_a_task_is_not_proved_again_and_judges_as_before(
    opened: tuple, most_alive: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = "x.clamp(min=0) * 2", "2 * x"
    expected = [_judged(opened[0], f"large {wrong}", expression) for expression in (wrong, right)]
    monkeypatch.setattr(reference.Reference, "prove", None)
    found = [_judged(opened[0], f"large {wrong}", expression) for expression in (wrong, right)]
    assert [row["status"] for row in expected] == ["INCORRECT_NUMERICAL", "PASSED"]
    assert [{**row, "performance": None} for row in found] == [{**row, "performance": None} for row in expected]
    assert set(most_alive) == {0}


def _judged(station: Station, name: str, expression: str, of_all_rows: str = "") -> dict:
    return _judged_by(station, name, expression, of_all_rows)[0]


# A judge knows nothing of a task but what is on disk.
def _judged_by(station: Station, name: str, expression: str, of_all_rows: str = "") -> tuple[dict, TaskSession]:
    tasks = TaskSession(station)
    task = Task(name, _REFERENCE.format(of_all_rows), [Workload("w", {})])
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": _CANDIDATE.format(expression)})
    with station.locks.shared():
        (row,) = evaluate(station, tasks, Request("n", task, candidate, _SETTINGS))
    tasks.close()
    return row, tasks


def test_a_proof_is_read_as_it_was_written_and_nothing_is_read_of_another_shape(tmp_path: Path) -> None:
    faint = FaintNumbers(1e-9, Tolerance(1e-12, 0.0, 1e-5, 1e-13))
    tolerance = Tolerance(1e-6, 2e-6, 1e-5, None, widened=torch.bfloat16, faint=faint)
    lists = {"unseeded": [1], "mutated_inputs": [0], "gradient_places": [], "changed_state": ["count"]}
    proof = Proof(
        precision="float64",
        usual=Usual([tolerance, None], [1.0, 0.5]),
        drawn={"by-row": None, "peaked": [tolerance, None]},
        changed={"inputs": [0], "state": {"count": "count"}},
        orders=[FreeOrder(0, 1), None],
        aliases_inputs=False,
        returns_parameters=True,
        has_twin_outputs=True,
        input_bytes=8,
        largest_answer=9,
        **lists,
    )
    store, place = ProofStore(tmp_path / "proofs"), tmp_path / "proofs" / "one.json"
    store.write(place, proof)
    assert store.read(place) == proof
    place.write_text('{"precision": null}')
    assert store.read(place) is None


def test_what_errors_hold_is_searched_when_the_memory_was_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: happened.append("searched"))
    process = SimpleNamespace(begin_end=lambda: happened.append("begun"), close=lambda: happened.append("ended"))
    tasks = TaskSession(SimpleNamespace(device="cuda"))
    tasks.enter(Task("errors", "", [Workload("w", {})]), _SETTINGS)
    tasks._processes["cuda"] = process
    tasks.begin_end()
    tasks.close()
    tasks.close()
    assert happened == ["begun", "ended", "searched"]


def test_what_a_reference_answers_may_rest_unless_it_is_timed(
    opened: tuple, most_alive: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []
    begin = RunnerHandle.begin

    def noted(runner: RunnerHandle, kind: str, *given: object, rests: bool = False) -> None:
        asked.append((kind, rests))
        begin(runner, kind, *given, rests=rests)

    tasks = TaskSession(opened[0])
    task = Task("large and rests", _REFERENCE.format(""), [Workload("w", {})])
    tasks.enter(task, _SETTINGS)
    with opened[0].locks.shared():
        reference = tasks.reference(task.workloads[0], "cpu")
        monkeypatch.setattr(RunnerHandle, "begin", noted)
        inputs = reference.make_inputs(reference.how(5))
        for flush in (False, True):
            reference.call(inputs, flush=flush, look=False)
    tasks.close()
    assert [pair for pair in asked if pair[0] in ("make_inputs", "call")] == [
        ("make_inputs", True),
        ("call", True),
        ("call", False),
    ]


def test_a_process_that_holds_inputs_forgets_them_when_it_is_sent_as_many(
    opened: tuple, most_alive: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    staged: list[tuple[bool, bool]] = []
    begin = RunnerHandle.begin

    def noted(runner: RunnerHandle, kind: str, body: dict, *given: object, rests: bool = False) -> None:
        if kind == "stage":
            staged.append((body["parcel"] is not None, body.get("forgets_inputs") is True))
        begin(runner, kind, body, *given, rests=rests)

    tasks = TaskSession(opened[0])
    task = Task("large and held", _REFERENCE.format(""), [Workload("w", {})])
    tasks.enter(task, _SETTINGS)
    with opened[0].locks.shared():
        reference = tasks.reference(task.workloads[0], "cpu")
        earlier = reference.make_inputs(reference.how(5))
        reference.holds_inputs = True
        latest = reference.make_inputs(reference.how(6))
        monkeypatch.setattr(RunnerHandle, "begin", noted)
        made = [reference.call(inputs, flush=False, look=False).output for inputs in (latest, earlier, latest)]
    tasks.close()
    assert staged == [(False, False), (True, True), (True, False)]
    assert [bytes(output.blobs[0]) == bytes(made[0].blobs[0]) for output in made] == [True, False, True]
