"""Who computes although nobody calls it, as real processes show it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from curate_worker.judge.idle_work import _LOOK_S, works_while_idle

_PROGRAMS = {
    "sleeps": "import time; print(flush=True); time.sleep(60)",
    "computes": "print(flush=True)\nwhile True: pass",
}


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", _PROGRAMS[request.param]], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started.pid
        started.kill()


@pytest.mark.parametrize(("process", "works"), [("sleeps", False), ("computes", True)], indirect=["process"])
def test_only_what_computes_works_whatever_is_done_meanwhile(process: int, *, works: bool) -> None:
    # On a busy machine who computes may get no processor in one moment or another.
    looks = range(20 if works else 1)
    assert any(works_while_idle(process) for _ in looks) is works
    assert any(works_while_idle(process, lambda: time.sleep(0.02)) for _ in looks) is works


@pytest.mark.parametrize("process", ["sleeps"], indirect=True)
def test_what_is_done_meanwhile_is_over_before_it_is_looked(process: int) -> None:
    done: list[float] = []
    works_while_idle(process, lambda: (time.sleep(0.04), done.append(time.monotonic())))
    assert time.monotonic() - done[0] >= _LOOK_S
