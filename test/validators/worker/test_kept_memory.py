"""What a reference's process keeps of a GPU's memory between calls that are alike: the GPU itself is played."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from curate_worker.judge import own_work
from curate_worker.runner import runner_state
from curate_worker.runner.handlers import HANDLERS
from curate_worker.runner.runner_state import Runner

_TOTAL = 80 << 30


@pytest.fixture
def given_back(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One for each time that memory is given back, of which there are gigabytes."""
    noted: list[bool] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: noted.append(True))
    monkeypatch.setattr(runner_state, "unused_bytes", lambda: 12 << 30)
    return noted


@pytest.mark.parametrize(
    ("keeps_memory", "free", "expected"),
    [(False, 40 << 30, [True]), (True, 40 << 30, []), (True, 8 << 30, [True])],
)
def test_memory_is_kept_where_that_was_said_and_plenty_is_left_for_others(
    monkeypatch: pytest.MonkeyPatch, given_back: list[bool], keeps_memory: bool, free: int, expected: list[bool]
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, _TOTAL))
    Runner(Path("/nowhere"), device="cuda", may_give_back=True, keeps_memory=keeps_memory).give_back()
    assert given_back == expected


@pytest.mark.parametrize("kind", ["make_room", "forget"])
def test_all_of_it_is_given_back_on_request(tmp_path: Path, given_back: list[bool], kind: str) -> None:
    runner = Runner(tmp_path, device="cuda", keeps_memory=True)
    runner.references["w"] = SimpleNamespace()
    HANDLERS[kind](runner, SimpleNamespace())
    assert (given_back, bool(runner.references)) == ([True], kind == "make_room")


def test_room_is_made_before_a_call_is_spoiled(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    def call(*_: object, **__: object) -> SimpleNamespace:
        happened.append("called")
        return SimpleNamespace(outputs=None)

    monkeypatch.setattr(own_work, "is_right", lambda *_: True)
    reference = SimpleNamespace(make_room=lambda: happened.append("room was made"))
    assert own_work._is_right(SimpleNamespace(call=call), reference, SimpleNamespace(expected=None), "ablated")
    assert happened == ["room was made", "called"]
