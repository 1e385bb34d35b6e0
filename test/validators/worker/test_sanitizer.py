"""Candidates under a tool that looks at their kernels; here it is a script, since there is no GPU."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from curate_worker.channel import Message
from curate_worker.judge.fork_client import Room
from curate_worker.judge.parsing import BadRequest, parse_settings
from curate_worker.judge.requests import Candidate, Request, Task
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.judge.sanitizing import is_chosen, summary
from curate_worker.runner.sanitizer import run_tools
from curate_worker.values import pack

_CANDIDATE = """import pathlib
import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        pathlib.Path(__file__).parents[1].joinpath("seen").write_text(str(x.sum().item()))
        return x
"""


def _tool(folder: Path, *lines: str) -> str:
    """A program that is called as the tool is; `$log` is where it is to write, `"$@"` what it is to look at."""
    path = folder / "tool"
    words = 'tool=$2; shift 7; log=$1; shift; echo "========= COMPUTE-SANITIZER" >"$log"'
    path.write_text("\n".join(["#!/bin/sh", words, *lines]) + "\n")
    path.chmod(0o755)
    return str(path)


def _calls() -> list[Message]:
    import torch  # noqa: PLC0415

    nothing, inputs = pack([]), pack([torch.ones(3)])
    load = {"files": {"candidate.py": _CANDIDATE}, "entry_point": "candidate.py::ModelNew", "device": "cpu"}
    load |= dict.fromkeys(("recording", "uses_triton", "interpreted", "native"), False)
    order = dict.fromkeys(("blocked", "ablated", "altered", "poisoned", "profiled"), False) | {
        "patience": 1,
        "changed": {},
    }
    return [
        Message("load", {**load, "plan": None, "built": [], "triton_cache": []}, []),
        Message("bind", {"parcel": nothing.body(), "outputs": []}, []),
        Message("stage", {"parcel": inputs.body(), "seed": 0, "flush": False}, inputs.blobs),
        Message("call", order, []),
    ]


def test_the_tool_sees_all_that_a_candidate_does_in_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    tool = _tool(tmp_path, '"$@" || exit 3', 'echo "========= ERROR SUMMARY: 0 errors" >>"$log"')
    told = run_tools(tmp_path, tool, ["memcheck"], _calls(), 120)
    assert told == [{"tool": "memcheck", "passed": True, "detail": None}]
    assert (tmp_path / "sanitized" / "seen").read_text() == "3.0"


def test_a_candidate_connects_to_nobody_although_the_tool_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    tool = _tool(tmp_path, '"$@" || exit 3', 'echo "========= ERROR SUMMARY: 0 errors" >>"$log"')
    with socket.socket(socket.AF_UNIX) as local, socket.create_server(("127.0.0.1", 0)) as port:
        local.bind(str(tmp_path / "local"))
        local.listen()
        calls = _calls()
        places = [("AF_UNIX", str(tmp_path / "local")), ("AF_INET", port.getsockname())]
        calls[0].body["files"] = {"candidate.py": _CONNECTS.format(places=places)}
        assert run_tools(tmp_path, tool, ["memcheck"], calls, 120)[0]["passed"] is True
    assert (tmp_path / "sanitized" / "seen").read_text() == "refused refused"


_CONNECTS = """import pathlib
import socket
import threading
import torch

found = []


def connect(kind, place):
    try:
        with socket.socket(getattr(socket, kind)) as caller:
            caller.connect(place)
        found.append("reached")
    except OSError:
        found.append("refused")


class ModelNew(torch.nn.Module):
    def forward(self, x):
        for item in {places}:
            thread = threading.Thread(target=connect, args=item)
            thread.start()
            thread.join()
        pathlib.Path(__file__).parents[1].joinpath("seen").write_text(" ".join(found))
        return x
"""


@pytest.mark.parametrize(
    ("lines", "passed", "says"),
    [
        (['echo "========= Invalid __global__ read of size 4 bytes" >>"$log"', "exit 86"], False, "Invalid __global__"),
        (["exit 86"], False, "found"),
        (["exit 0"], None, "COMPUTE-SANITIZER"),
        (['echo "no loopback" >&2', "exit 1"], None, "ended with 1: no loopback"),
        (["exec sleep 60"], None, "did not end"),
    ],
)
def test_what_the_tool_does_not_say_is_no_finding(
    tmp_path: Path, lines: list[str], passed: bool | None, says: str
) -> None:
    (told,) = run_tools(tmp_path, _tool(tmp_path, *lines), ["memcheck"], [], 1)
    assert told["passed"] is passed
    assert says in told["detail"]


def test_one_objection_is_enough_and_a_tool_that_cannot_run_spoils_nothing() -> None:
    right = {"tool": "memcheck", "passed": True, "detail": None}
    wrong = {"tool": "racecheck", "passed": False, "detail": "a hazard"}
    unknown = {"tool": "initcheck", "passed": None, "detail": "no driver"}
    assert summary([right, unknown]) == {"passed": True, "detail": "initcheck: no driver"}
    assert summary([right, wrong]) == {"passed": False, "detail": "racecheck: a hazard"}
    assert summary([unknown])["passed"] is None
    same = {**unknown, "tool": "synccheck"}
    assert summary([unknown, same]) == {"passed": None, "detail": "initcheck, synccheck: no driver"}


def test_its_processes_may_talk_to_each_other_and_to_nobody_else(opened: tuple) -> None:
    station, _ = opened
    with RunnerHandle(station.server, Room(4 << 30, 64 << 20, has_loopback=True), 60.0) as runner:
        if "network-namespace" not in runner.layers:
            pytest.skip("there is no network of one's own here")
        assert "own-loopback" in runner.layers
        told = runner.request("probe", {"device": "cpu", "forbidden": []})
        assert told.body["sandbox"]["network"] is False
        answer = runner.request("load", {**_calls()[0].body, "files": {"candidate.py": _TALKS}})
        assert answer.kind == "loaded", answer.body


_TALKS = """import socket
import subprocess

# As a driver names the threads of a process, which is not the first one here.
subprocess.run(["/bin/sh", "-c", "echo name >/proc/self/task/$$/comm"], check=True)
server = socket.socket(socket.AF_INET)
server.bind(("127.0.0.1", 0))
server.listen()
client = socket.create_connection(server.getsockname(), 5)
client.sendall(b"x")
assert server.accept()[0].recv(1) == b"x"


class ModelNew:
    pass
"""


def test_certify_looks_at_all_and_others_at_a_share() -> None:
    limits = {"calls": 1, "timeout_s": 1, "timing_s": 1, "build_timeout_s": 1, "memory_bytes": 1, "seed": 0}
    policies = {
        "own_kernel": "report",
        "library_calls": "report",
        "precision": "strict",
        "static_tags": "refuse",
        "backward": "report",
        "baselines": None,
    }

    def count(mode: str, share: object) -> int:
        settings = parse_settings({"mode": mode, **limits, **policies, "baselines": None, "sanitizer_share": share})
        candidates = [Candidate("cuda", "python", "a.py::A", {"a.py": str(number)}) for number in range(200)]
        return sum(is_chosen(Request("", Task("t", "", []), candidate, settings)) for candidate in candidates)

    assert [count("certify", 0), count("standard", 0), count("standard", 1)] == [200, 0, 200]
    few, many = 20, 90
    assert few < count("standard", 0.25) < many
    with pytest.raises(BadRequest, match="share"):
        count("standard", 2)
