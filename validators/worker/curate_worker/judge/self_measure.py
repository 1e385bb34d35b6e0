"""A program timed against itself: the candidate is the reference, and nothing else is different from any other."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .device_lock import PROCESSOR
from .evaluate import evaluate
from .phases import phase
from .requests import Candidate, Request, Settings, Task, Workload
from .self_timing import Ratio
from .station import Station
from .tasks import TaskSession

_SOURCE: Final = """import torch

SIZE = 256


class Model(torch.nn.Module):
    def forward(self, x, y):
        return torch.relu(x @ y)


def get_inputs():
    return [torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)]


def get_init_inputs():
    return []
"""
# Half a millisecond of an H100: long enough for the clocks, short enough for many pairs.
_SIZE_ON_GPU: Final = "3072"


def ratio_of(row: dict) -> Ratio | None:
    """The ratio of a row with its interval; None where the device was too busy to be timed on."""
    performance = row["performance"]
    if performance is None:
        return None
    return performance["speedup_ci_low"], performance["speedup"], performance["speedup_ci_high"]


def judge_itself(station: Station, settings: Settings) -> dict:
    """The row of a candidate that is its reference."""
    axes = {} if station.device == PROCESSOR else {"SIZE": _SIZE_ON_GPU}
    task = Task("self", _SOURCE, [Workload("self", axes)])
    files = {"candidate.py": _SOURCE.replace("class Model(", "class ModelNew(")}
    language = "cpp" if station.device == PROCESSOR else "triton"
    candidate = Candidate(language, "python", "candidate.py::ModelNew", files)
    asked = replace(settings, mode="standard", own_kernel="report", library_calls="allow", baselines=())
    tasks = TaskSession(station)
    try:
        with phase("self_timing"):
            return evaluate(station, tasks, Request("", task, candidate, asked))[0]
    finally:
        tasks.close()
