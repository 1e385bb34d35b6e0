"""What is built before its candidate's turn, and what a judge says of a GPU that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

from curate_worker.judge.builds.ahead import BuildAhead
from curate_worker.judge.opening import open_station
from curate_worker.judge.prepared import build_extensions, prepare
from curate_worker.judge.requests import Candidate, Preparation, Settings

CODE = """
import torch
from torch.utils.cpp_extension import load_inline

load_inline("{name}", [{source!r}], is_python_module=False, no_implicit_headers=True)
ModelNew = torch.nn.Identity
"""
SETTINGS = Settings("screen", 1, 20, 1, 60, 2 << 30, 0)


def candidate(name: str, source: str) -> Candidate:
    return Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": CODE.format(name=name, source=source)})


def test_what_a_candidate_wants_is_in_the_cache_when_its_turn_comes(opened: tuple) -> None:
    station, _ = opened
    wanted = candidate("wanted", 'extern "C" int answer() { return 42; }')
    broken = candidate("broken", "this is not C++")
    folder = station.builder._cache._folder
    ahead, old = BuildAhead(station, 2), set(folder.glob("*/*/build.json"))
    for item in (broken, wanted):
        ahead.add(Preparation(item, SETTINGS))
    ahead.settle()
    records = [json.loads(path.read_text()) for path in set(folder.glob("*/*/build.json")) - old]
    assert sorted(record["cause"] or "built" for record in records) == ["COMPILE_ERROR", "built"]
    ahead.close()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/*/*")}
    prepared = prepare(station, wanted)
    build_extensions(station, SETTINGS, prepared)
    assert [built.cause for built in prepared.built.values()] == [None]
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/*/*")} == before


def test_a_gpu_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    with open_station("cuda", "GPU-absent", tmp_path, 1) as (station, facts):
        assert (station.device, facts["device"]) == ("cpu", "cpu")
        assert "CUDA" in facts["gpu_unusable"] or "NVIDIA" in facts["gpu_unusable"]
