"""How many queues of a GPU a process has."""

from __future__ import annotations

import os

import pytest
from curate_worker import gpu_queues
from curate_worker.judge.candidate_run import CandidateRun
from curate_worker.judge.open_reference import opened_reference
from curate_worker.judge.prepared import prepare
from curate_worker.judge.reference_errors import start_reference
from curate_worker.judge.requests import Candidate, Request, Task, Workload
from curate_worker.values import unpack
from small_task import REFERENCE, SETTINGS

VARIABLE = "CUDA_DEVICE_MAX_CONNECTIONS"


@pytest.mark.parametrize(
    ("text", "queues"),
    [
        ("class Model(nn.Module):\n    def forward(self, x):\n        return torch.relu(x)\n", "1"),
        ("self.side = torch.cuda.Stream()\n", None),
        ("make = getattr(torch.cuda, 'CUDAGraph')\n", None),
        ("self.cells = nn.LSTM(8, 8)\n", None),
        ("self.cells = nn.GRUCell(8, 8)\n", None),
        ("forward = torch.compile(forward)\n", None),
    ],
)
def test_a_program_that_speaks_of_several_streams_has_as_many_queues_as_usual(
    text: str, queues: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "4")
    monkeypatch.delenv(VARIABLE)
    gpu_queues.take_one_queue_for(text)
    assert os.environ.get(VARIABLE) == queues


_TELLS = f"\ndef get_init_inputs():\n    import os\n    return [len(os.environ.get('{VARIABLE}', ''))]\n"


@pytest.mark.parametrize(
    ("text", "is_compiled", "length"), [("", False, 1), ("# torch.cuda.Stream\n", False, 0), ("", True, 0)]
)
def test_the_process_of_a_reference_has_one_where_that_is_enough(
    opened: tuple, text: str, is_compiled: bool, length: int
) -> None:
    station, _ = opened
    made = "    def __init__(self, told):\n        super().__init__()\n\n    def forward"
    source = REFERENCE.replace("    def forward", made)
    task = Task("queues", source + _TELLS + text, [Workload("w", {})])
    with start_reference(station, SETTINGS, "cpu") as runner:
        how = (SETTINGS, "cpu")
        reference = opened_reference(station, runner, task, task.workloads[0], how, is_compiled=is_compiled)
        assert unpack(reference.init, "cpu")[0] == [length]


def test_the_process_of_a_candidate_has_as_many_as_usual(opened: tuple) -> None:
    station, _ = opened
    asserting = f"\nimport os\nassert '{VARIABLE}' not in os.environ\n"
    source = REFERENCE.replace("Model", "ModelNew") + asserting
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": source})
    request = Request("n", Task("queues", REFERENCE, [Workload("w", {})]), candidate, SETTINGS)
    with CandidateRun(station, request, prepare(station, candidate)) as run:
        run.process.start()
        assert run.process.is_running
