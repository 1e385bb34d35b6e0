"""What a judge finds out before it is asked anything, in two processes at once on a GPU, which is played here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import torch
from curate_worker.judge import opening
from curate_worker.judge.environment import triton_version
from curate_worker.judge.faults import RunnerLost
from curate_worker.judge.launch import Launched, launch
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.runner.triton_identity import identity_of_triton


@pytest.fixture
def launched() -> Iterator[Launched]:
    """A fork server for a GPU that is not there."""
    started = launch("cuda", 1)
    yield started
    started.server.close()
    shutil.rmtree(started.root, ignore_errors=True)


@pytest.mark.skipif(triton_version() is None, reason="there is no Triton")
@pytest.mark.parametrize("is_lost", [False, True])
def test_triton_tells_of_itself_beside_the_device_and_is_not_missed(
    launched: Launched, monkeypatch: pytest.MonkeyPatch, *, is_lost: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    request = RunnerHandle.request

    def lost(self: RunnerHandle, kind: str, *given: object, **named: object) -> object:
        if is_lost and kind == "probe_triton":
            raise RunnerLost("closed", "its process ended")
        return request(self, kind, *given, **named)

    monkeypatch.setattr(RunnerHandle, "request", lost)
    ready, probed = opening._greet(launched.root, launched.server, "cuda")
    assert ready["touched_cuda"] is False
    assert probed["device"]["cuda"] is (torch.cuda.device_count() > 0)
    assert probed["triton_identity"] == (None if is_lost else identity_of_triton())
