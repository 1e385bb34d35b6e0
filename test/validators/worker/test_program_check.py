"""What a program shows before anybody believes that it stands for a kernel."""

from __future__ import annotations

import pytest
from curate_worker.judge.program_check import check_program
from curate_worker.judge.requests import Candidate, ProgramCheck, Settings, Task, Workload

_SETTINGS = Settings("screen", 1, 20.0, 1.0, 20.0, 4 << 30, 0)


def _reference(forward: str, inputs: str = "torch.randn(4, 9)", top: str = "", init: str = "pass") -> str:
    return f"""import torch
{top}

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}


def get_inputs():
    return [{inputs}]


def get_init_inputs():
    return []
"""


def _found(opened: tuple, reference: str, workloads: list[Workload] | None = None) -> dict | None:
    station, _ = opened
    task = Task("task", reference, workloads or [Workload("w", {})])
    return check_program(station, ProgramCheck("", task, None, _SETTINGS))


def test_nothing_speaks_against_a_reference_that_runs(opened: tuple) -> None:
    assert _found(opened, _reference("return torch.relu(x)")) is None
    assert _found(opened, _reference("x.add_(1)")) is None
    assert _found(opened, _reference("return x.unsqueeze(0)")) is None
    assert _found(opened, _reference("return x.t()", "torch.randn(9, 9)")) is None


@pytest.mark.parametrize(
    ("forward", "cause", "said"),
    [
        ("return scaled(x)", "FAILS", "'scaled' is not defined"),
        ("return x @ x", "FAILS", "mat1 and mat2"),
        ("return torch.ones_like(x)", "CONSTANT", "whatever its inputs are"),
        ("x.sum()", "CONSTANT", "whatever its inputs are"),
        ("return x.clone()", "RETURNS_INPUT", "one of its inputs"),
    ],
)
def test_a_reference_that_is_none_is_told_with_the_reason(opened: tuple, forward: str, cause: str, said: str) -> None:
    found = _found(opened, _reference(forward))
    assert found is not None
    assert (found["cause"], found["certain"]) == (cause, True)
    assert said in found["log"]


def test_a_module_that_is_missing_is_named(opened: tuple) -> None:
    found = _found(opened, _reference("return x", top="import nowhere.to_be_found"))
    assert found is not None
    assert (found["cause"], found["missing_module"], found["certain"]) == ("IMPORT_ERROR", "nowhere", True)


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        (_reference("return x.cuda() + 1"), "NO_GPU"),
        (_reference("assert x.is_cuda\n        return x + 1"), "FAILS"),
        (_reference("return x + 1", "torch.randn(1 << 30)"), "TOO_LARGE"),
    ],
)
def test_what_another_machine_may_run_is_not_held_against_a_reference(opened: tuple, program: str, cause: str) -> None:
    found = _found(opened, program)
    assert found is not None
    assert (found["cause"], found["certain"]) == (cause, False)


def test_one_workload_that_runs_is_enough(opened: tuple) -> None:
    reference = _reference("return (x @ x) + 1", "torch.randn(4, columns)", top="columns = 9")
    assert _found(opened, reference, [Workload("a", {}), Workload("b", {"columns": "4"})]) is None


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("class ModelNew:\n    pass\n", None),
        ("from torch import nothing_of_this_name\n", "IMPORT_ERROR"),
        ("import triton\n\n@triton.jit\ndef kernel(x):\n    pass\n\nclass ModelNew:\n    pass\n", None),
        ("class ModelNew(torch.nn.Module):\n    pass\n", "FAILS"),
    ],
)
def test_a_candidate_is_imported(opened: tuple, content: str, cause: str | None) -> None:
    station, _ = opened
    candidate = Candidate("triton", "python", "candidate.py::ModelNew", {"candidate.py": content})
    found = check_program(station, ProgramCheck("", Task("task", "", []), candidate, _SETTINGS))
    assert (found and found["cause"]) == cause
