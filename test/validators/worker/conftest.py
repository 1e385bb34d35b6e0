"""Makes the worker's package importable, and offers a real judge's station to tests that need one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "validators" / "worker"))


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple]:
    """A station on the processor and what it says of itself; shared, because starting one takes seconds."""
    from curate_worker.judge.opening import open_station  # noqa: PLC0415

    # A secret of the user's, as it would stand in the environment of whoever starts a run.
    os.environ["CANARY_TOKEN"] = "hf_canary"
    with open_station("cpu", "test", tmp_path_factory.mktemp("cache"), 1) as pair:
        yield pair


@pytest.fixture
def lending(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    """Runners that are lent memory of the processor, as others are of a GPU."""
    from lending import Lending  # noqa: PLC0415

    runners = Lending(monkeypatch, tmp_path)
    yield runners
    runners.close()
