"""Smaller parts of the judge: seeds, logs, requests, the lock of a device, the statistics of timing."""

from __future__ import annotations

import copy
import multiprocessing
import sys
import time
from pathlib import Path

import pytest
from curate_worker.judge import timing
from curate_worker.judge.device_lock import DeviceLock
from curate_worker.judge.faults import Verdict
from curate_worker.judge.log_text import MAX_LOG_CHARACTERS, clean_log
from curate_worker.judge.requests import BadRequest, Candidate, parse_request, require_usable
from curate_worker.judge.seeds import derive_seed


def test_seeds_follow_from_their_purpose_and_from_nothing_else() -> None:
    seeds = {derive_seed(0, "task", "load", index) for index in range(100)} | {derive_seed(1, "task", "load", 0)}
    assert len(seeds) == 100 + 1
    assert derive_seed(0, "a", "b") != derive_seed(0, "ab")
    assert derive_seed(7, "task", 3) == derive_seed(7, "task", 3) < 1 << 63


def test_a_log_names_no_place_and_no_address_of_this_machine() -> None:
    scratch = Path("/tmp/curate-judge-1-x/tmpabc")
    text = f"{scratch}/candidate/candidate.py:3\n{sys.prefix}/lib/x.py \x1b[31mred\x1b[0m <f at 0x7f8a8234e660>\x00"
    assert clean_log(text, scratch) == "candidate.py:3\nlib/x.py red <f at 0x…>"
    assert len(clean_log("x" * 100_000)) == MAX_LOG_CHARACTERS
    assert clean_log("\ud800 half a character") == "? half a character"


REQUEST = {
    "type": "evaluate",
    "nonce": "n",
    "task": {"id": "t", "reference": "", "workloads": [{"id": "w", "axes": {"N": "3"}}]},
    "candidate": {
        "language": "cpp",
        "form": "python",
        "entry_point": "a.py::B",
        "sources": [{"path": "a.py", "content": ""}],
    },
    "settings": {"mode": "screen", "calls": 1, "timeout_s": 1, "build_timeout_s": 1.5, "memory_bytes": 1, "seed": 0},
}


def test_a_whole_request_is_understood() -> None:
    request = parse_request(REQUEST)
    assert request.task.workloads[0].axes == {"N": "3"}
    assert request.candidate.files == {"a.py": ""}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["type"], "verdict"),
        (["nonce"], 3),
        (["task", "workloads"], {}),
        (["task", "workloads", 0, "axes"], {"N": 3}),
        (["candidate", "sources"], [{"path": "a"}]),
        (["settings", "calls"], True),
        (["settings", "calls"], -1),
        (["settings", "timeout_s"], 0),
        (["settings", "mode"], "certify"),
        (["extra"], 1),
    ],
)
def test_a_malformed_request_is_refused(place: list, value: object) -> None:
    request = copy.deepcopy(REQUEST)
    target = request
    for part in place[:-1]:
        target = target[part]
    target[place[-1]] = value
    with pytest.raises(BadRequest):
        parse_request(request)


@pytest.mark.parametrize(
    ("form", "entry_point", "path", "cause"),
    [
        ("python", "a.py::B", "../a.py", "UNSUPPORTED_FORM"),
        ("python", "a.py::B", "/etc/a.py", "UNSUPPORTED_FORM"),
        ("python", "a.py::B", "x/./a.py", "UNSUPPORTED_FORM"),
        ("python", "a.py::B", "b.py", "UNSUPPORTED_FORM"),
        ("python", "a.py", "a.py", "UNSUPPORTED_FORM"),
        ("python", "a.py::B; import os", "a.py", "UNSUPPORTED_FORM"),
        ("device", "a.py::B", "a.py", "UNSUPPORTED_FORM"),
    ],
)
def test_sources_that_leave_their_folder_are_a_verdict(form: str, entry_point: str, path: str, cause: str) -> None:
    with pytest.raises(Verdict) as caught:
        require_usable(Candidate("cpp", form, entry_point, {path: ""}))
    assert caught.value.cause == cause


def hold(name: str, alone: bool, log: Path) -> None:
    lock = DeviceLock(name)
    with lock.shared():
        if alone:
            with lock.alone():
                note(log, "alone in", "alone out")
        else:
            note(log, "in", "out")


def note(log: Path, first: str, last: str) -> None:
    for text in (first, last):
        with log.open("a") as lines:
            lines.write(f"{text}\n")
        time.sleep(0.2)


def test_who_times_is_alone_on_the_device(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    name, log = f"test-{tmp_path.name}", tmp_path / "log"
    users = [context.Process(target=hold, args=(name, alone, log)) for alone in (False, True, False, True, False)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    lines = log.read_text().split("\n")
    starts = [index for index, line in enumerate(lines) if line == "alone in"]
    assert starts
    assert all(lines[index + 1] == "alone out" for index in starts)


def samples(inside: list[float], outside: list[float]) -> timing._Samples:
    return timing._Samples(inside=inside, outside=outside)


def test_the_interval_of_a_speedup_holds_the_speedup() -> None:
    theirs = samples([2e6 + 1e3 * (i % 7) for i in range(40)], [3e6] * 40)
    mine = samples([1e6 + 1e3 * (i % 5) for i in range(40)], [2e6] * 40)
    row = timing._performance(theirs, mine)
    assert row["speedup_ci_low"] <= row["speedup"] <= row["speedup_ci_high"]
    assert row["speedup"] == pytest.approx(2.0, rel=0.01)
    assert timing._is_settled(theirs, mine)
    assert not timing._is_settled(theirs, samples([1e6, 4e6] * 20, [5e6] * 40))


def test_a_clock_that_reports_less_than_the_judge_saw_is_a_forgery() -> None:
    theirs = samples([1e6] * 20, [3e6] * 20)
    assert timing._clocks_agree(theirs, samples([9e6] * 20, [11.2e6] * 20))
    with pytest.raises(Verdict) as caught:
        timing._clocks_agree(theirs, samples([1e3] * 20, [11e6] * 20))
    assert caught.value.cause == "HACK_PATCH"
    assert not timing._clocks_agree(theirs, samples([6e6] * 20, [11e6] * 20))
