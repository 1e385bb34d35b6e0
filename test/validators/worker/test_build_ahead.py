"""What is built before its candidate's turn, and what a judge says of a GPU that it cannot use."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from curate_worker.channel import Message
from curate_worker.judge.builds.ahead import BuildAhead
from curate_worker.judge.builds.cubin import kernels_of
from curate_worker.judge.builds.toolchain import find_toolchain
from curate_worker.judge.builds.triton_build import triton_build
from curate_worker.judge.builds.triton_kernels import TritonKernels
from curate_worker.judge.opening import open_station
from curate_worker.judge.prepared import build_extensions, prepare
from curate_worker.judge.rehearsal import Stage, rehearse
from curate_worker.judge.requests import Candidate, Preparation, Settings, Task, Workload
from curate_worker.runner.triton_cache import fill_cache

CODE = """
import torch
from torch.utils.cpp_extension import load_inline

load_inline("{name}", [{source!r}], is_python_module=False, no_implicit_headers=True)
ModelNew = torch.nn.Identity
"""
TASK = Task("t", "", [Workload("w", {})])
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
        ahead.add(Preparation(TASK, item, SETTINGS))
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


NUM_CONFIGURATIONS = 2
KERNELS = Path(__file__).parents[2] / "fixtures" / "kernels" / "correct_add_autotuned_triton"


def test_kernels_of_triton_are_compiled_for_a_gpu_that_is_not_there(opened: tuple, tmp_path: Path) -> None:
    station, _ = opened
    tools = find_toolchain((9, 0))
    builder = replace(station, kernels=TritonKernels(tmp_path, tools, Stage(station.server, (9, 0))))
    task = Task("t", (KERNELS / "task.py").read_text(), [Workload("w", {})])
    tuned = Candidate("triton", "python", "c.py::ModelNew", {"c.py": (KERNELS / "candidate.py").read_text()})
    other = Candidate("triton", "python", "c.py::ModelNew", {"c.py": "import triton\nraise ValueError"})
    ahead = BuildAhead(builder, 2)
    for item in (tuned, other):
        ahead.add(Preparation(task, item, SETTINGS))
    ahead.settle()
    ahead.close()
    known = {json.loads(path.read_text())["log"] for path in tmp_path.glob("*/*/build.json")}
    assert sorted(text.partition("\n")[0] for text in known) == ["", "ValueError: "]
    assert builder.kernels.find(task, other) == {}
    files = builder.kernels.find(task, tuned)
    # Both configurations, since nobody knows which one will be chosen.
    assert [name.rpartition(".")[2] for name in files].count("cubin") == NUM_CONFIGURATIONS
    root = tmp_path / "cache"
    fill_cache(root, list(files), [memoryview(content) for content in files.values()])
    groups = list(root.glob("*/__grp__*"))
    places = [place for path in groups for place in json.loads(path.read_text())["child_paths"].values()]
    assert len(groups) == NUM_CONFIGURATIONS
    assert all(Path(place).is_file() and Path(place).is_relative_to(root) for place in places)
    assert any(
        kernels_of(Path(place).read_bytes()) == {"add": (8, 8, 8, 4, 8, 8)} for place in places if "cubin" in place
    )
    # What ptxas said of each stays with it, as the process that finds it in its cache will tell.
    logs = [json.loads(content)["ptxas_log"] for name, content in files.items() if _is_metadata(name)]
    told = [{"log": log, "shared": 1024, "sha256": "0" * 64} for log in logs]
    built = triton_build(Message("kernels", {"kernels": told}, []))
    assert built is not None
    assert len(built.kernels) == NUM_CONFIGURATIONS
    for kernel in built.kernels:
        assert (kernel["name"], kernel["shared_bytes"]) == ("add", 1024)
        assert kernel["registers"] > FEWEST_REGISTERS
        assert not any("Compile time" in log for log in logs)


FEWEST_REGISTERS = 7


def _is_metadata(name: str) -> bool:
    return name.endswith(".json") and "__grp__" not in name


LOG = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '{name}' for 'sm_90a'
    16 bytes stack frame, 24 bytes spill stores, 32 bytes spill loads
ptxas info    : Used 40 registers, 8 bytes smem"""


def test_what_a_process_tells_of_kernels_is_taken_as_far_as_it_can_be() -> None:
    good = {"log": LOG.format(name="add"), "shared": 512, "sha256": "a" * 64}
    bad = [
        7,
        {},
        {**good, "log": None},
        {**good, "log": LOG.format(name="--help")},
        {**good, "log": LOG.format(name="a\x1b[2J")},
        {**good, "shared": -1},
        {**good, "shared": True},
        {**good, "sha256": "A"},
        {**good, "log": "x" * 5000 + good["log"]},
    ]
    assert triton_build(Message("kernels", {"kernels": bad}, [])) is None
    assert triton_build(Message("kernels", {"kernels": "none"}, [])) is None
    built = triton_build(Message("kernels", {"kernels": [*bad, *[good] * 80]}, []))
    assert built is not None
    assert (built.method, built.artifact_sha256, len(built.kernels)) == ("triton", "a" * 64, 64 - len(bad))
    sizes = {"stack_bytes": 16, "spill_store_bytes": 24, "spill_load_bytes": 32, "registers": 40, "shared_bytes": 520}
    assert built.kernels[0] == {"name": "add", **sizes}


@pytest.mark.parametrize("is_ahead", [True, False])
def test_a_rehearsal_ahead_of_its_turn_leaves_processors_to_others(opened: tuple, *, is_ahead: bool) -> None:
    station, _ = opened
    source = "import os\nraise ValueError(f'niceness {os.nice(0)}')\n"
    rehearsed = Candidate("triton", "python", "candidate.py::ModelNew", {"candidate.py": source})
    answer = rehearse(station.stage, SETTINGS, TASK, rehearsed, None if is_ahead else "/usr/bin/true")
    expected = os.nice(0) + (10 if is_ahead else 0)
    assert f"niceness {expected}" in answer.body["problem"]["text"]


@pytest.mark.parametrize(("device", "waits"), [("cuda", False), ("cpu", True)])
def test_beside_a_gpu_what_takes_a_second_does_not_wait_for_what_takes_ten(
    opened: tuple, monkeypatch: pytest.MonkeyPatch, device: str, *, waits: bool
) -> None:
    station = replace(opened[0], device=device)
    built, rehearsed = threading.Event(), threading.Event()
    monkeypatch.setattr(BuildAhead, "_build", lambda *_: built.wait(60))
    monkeypatch.setattr(BuildAhead, "_rehearse", lambda _, given: given.task.id == "second" and rehearsed.set())
    ahead = BuildAhead(station, 1)
    for name in ("first", "second"):
        ahead.add(Preparation(replace(TASK, id=name), candidate(name, ""), SETTINGS))
    assert rehearsed.wait(0.5 if waits else 20) is not waits
    built.set()
    ahead.settle()
    ahead.close()
    assert rehearsed.is_set()
