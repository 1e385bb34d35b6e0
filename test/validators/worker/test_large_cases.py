"""Tasks of which a call takes so much memory that there is room for one: here, anything beyond a kilobyte."""

from __future__ import annotations

import weakref

import pytest
from curate_worker.judge import cases, reference, reference_cases
from curate_worker.judge.cases import Case
from curate_worker.judge.evaluate import evaluate
from curate_worker.judge.requests import Candidate, Request, Settings, Task, Workload
from curate_worker.judge.tasks import TaskSession

_REFERENCE = """
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) * 2

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
    for module in (cases, reference, reference_cases):
        monkeypatch.setattr(module, "MAX_CACHED_BYTES", 1 << 10)
    alive: weakref.WeakValueDictionary[int, Case] = weakref.WeakValueDictionary()
    counts: list[int] = []

    def made(*given: object, **named: object) -> Case:
        counts.append(len(alive))
        case = Case(*given, **named)
        alive[len(counts)] = case
        return case

    monkeypatch.setattr(reference_cases, "Case", made)
    return counts


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
    station, _ = opened
    tasks = TaskSession(station)
    task = Task("large", _REFERENCE, [Workload("w", {})])
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": _CANDIDATE.format(expression)})
    with station.locks.shared():
        (row,) = evaluate(station, tasks, Request("n", task, candidate, _SETTINGS))
    tasks.close()
    assert (row["status"], log in row["log"]) == (status, True), row["log"]
    assert most_alive and set(most_alive) == {0}
    found = [item["passed"] for item in row["checks"] if item["check"] == "float64-oracle@2"]
    assert found == ([None] if status == "PASSED" else [])
