"""What becomes of a failure where others have taken a GPU's memory: its free bytes alone are played."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from curate_worker import window
from curate_worker.judge import serving
from curate_worker.window import Window

_FREE = {"plenty": 40 << 30, "next to nothing": 7 << 20}


@pytest.mark.parametrize(
    ("row", "free", "is_believed"),
    [
        ({"status": "RUNTIME_ERROR", "cause": "CUDA_OTHER"}, "plenty", True),
        ({"status": "RUNTIME_ERROR", "cause": "CUDA_OTHER"}, "next to nothing", False),
        ({"status": "INVALID_REFERENCE", "cause": "REF_INVALID"}, "next to nothing", False),
        ({"status": "RUNTIME_ERROR", "cause": "OOM"}, "plenty", False),
        ({"status": "INCORRECT_NUMERICAL", "cause": "WRONG_VALUE"}, "next to nothing", True),
        ({"status": "PASSED", "cause": None}, "next to nothing", True),
    ],
)
def test_a_failure_is_believed_only_where_there_was_memory(
    monkeypatch: pytest.MonkeyPatch, row: dict, free: str, *, is_believed: bool
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(serving, "evaluate", lambda *_: [row])
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (_FREE[free], 80 << 30))
    station, tasks = SimpleNamespace(device="cuda"), SimpleNamespace(close=lambda: closed.append(True))
    found = serving._rows_with_room(station, tasks, SimpleNamespace())
    assert (found, closed) == (([row], []) if is_believed else (None, [True]))


def test_without_a_gpu_every_failure_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"status": "RUNTIME_ERROR", "cause": "CRASH"}
    monkeypatch.setattr(serving, "evaluate", lambda *_: [row])
    assert serving._rows_with_room(SimpleNamespace(device="cpu"), SimpleNamespace(), SimpleNamespace()) == [row]


@pytest.mark.parametrize(("num_received", "is_believed"), [(0, True), (1, False)])
def test_a_time_limit_is_believed_only_where_no_tensor_took_the_long_way(
    monkeypatch: pytest.MonkeyPatch, num_received: int, *, is_believed: bool
) -> None:
    row = {"status": "TIMEOUT", "cause": "TIMEOUT"}

    def judged(*_: object) -> list[dict]:
        for _ in range(num_received):
            Window(torch.zeros(4, dtype=torch.uint8)).receive(4, lambda: None, lambda: None)
        return [row]

    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(window, "banded_room", full)
    monkeypatch.setattr(serving, "evaluate", judged)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (_FREE["plenty"], 80 << 30))
    station, tasks = SimpleNamespace(device="cuda"), SimpleNamespace(close=lambda: None)
    assert serving._rows_with_room(station, tasks, SimpleNamespace()) == ([row] if is_believed else None)
