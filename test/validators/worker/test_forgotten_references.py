"""A process that is to end lets go of its references first: of a GPU, played here, that frees gigabytes at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from curate_worker.runner.handlers import HANDLERS
from curate_worker.runner.runner_state import Runner


@pytest.mark.parametrize(("device", "expected"), [("cuda", ["given back"]), ("cpu", [])])
def test_memory_is_given_back_when_nothing_refers_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, expected: list[str]
) -> None:
    runner = Runner(tmp_path, device=device)
    runner.references["w"], runner.kept = SimpleNamespace(), SimpleNamespace()
    given_back: list[str] = []

    def give_back() -> None:
        assert (runner.references, runner.kept) == ({}, None)
        given_back.append("given back")

    monkeypatch.setattr(torch.cuda, "empty_cache", give_back)
    assert HANDLERS["forget"](runner, SimpleNamespace()).kind == "forgotten"
    assert (given_back, runner.references, runner.kept) == (expected, {}, None)
