"""TorchInductor as somebody who writes implementations, for a GPU that is not there."""

from __future__ import annotations

from curate_worker.judge.compiled import compile_task
from curate_worker.judge.evaluate import evaluate
from curate_worker.judge.requests import Candidate, ProgramCheck, Request, Settings, Task, Workload
from curate_worker.judge.tasks import TaskSession

_SETTINGS = Settings("screen", 1, 60.0, 1.0, 120.0, 8 << 30, 0)
_NORM = """import torch

rows = 2


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(6, 8), torch.nn.LayerNorm(8)])

    def forward(self, x, scale):
        hidden = torch.relu(self.layers[0](x)) * scale
        return torch.softmax(self.layers[1](hidden), -1).cumsum(0), hidden.amax(0)


def get_inputs():
    return [torch.randn(rows, 6), 3]


def get_init_inputs():
    return []
"""


def _asked(opened: tuple, reference: str, workloads: list[Workload]) -> dict:
    station, _ = opened
    return compile_task(station, ProgramCheck("", Task("task", reference, workloads), None, _SETTINGS))


def test_a_model_becomes_kernels_that_are_right_wherever_triton_runs(opened: tuple) -> None:
    station, _ = opened
    workloads = [Workload("few", {}), Workload("more", {"rows": "5"})]
    answer = _asked(opened, _NORM, workloads)
    source = answer["source"]
    assert answer["refusal"] is None
    assert "@triton.jit" in source
    assert "inductor" not in source.replace("triton_", "")
    candidate = Candidate("triton", "python", "candidate.py::ModelNew", {"candidate.py": source})
    tasks = TaskSession(station)
    try:
        rows = evaluate(station, tasks, Request("", Task("task", _NORM, workloads), candidate, _SETTINGS))
    finally:
        tasks.close()
    assert [(row["status"], row["proved_on"]) for row in rows] == [("PASSED", "interpreter")] * 2, rows
