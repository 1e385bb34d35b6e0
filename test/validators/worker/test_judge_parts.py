"""Smaller parts of the judge: seeds, logs, requests, the lock of a device, the statistics of timing."""

from __future__ import annotations

import copy
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from curate_worker.judge.chain_witness import ChainFinding
from curate_worker.judge.device_lock import DeviceLocks
from curate_worker.judge.faults import Verdict
from curate_worker.judge.idle_work import Rest, wait_for_rest
from curate_worker.judge.log_text import MAX_LOG_CHARACTERS, clean_log
from curate_worker.judge.memory_shares import MemoryShares
from curate_worker.judge.parsing import BadRequest, parse_request
from curate_worker.judge.processor_time import ran_ns, waited_ns
from curate_worker.judge.requests import Candidate, require_usable
from curate_worker.judge.samples import Samples, Timing
from curate_worker.judge.seeds import derive_seed
from curate_worker.judge.timed_rounds import _Progress
from curate_worker.sandbox.world import survey


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
    "settings": {
        "mode": "screen",
        "calls": 1,
        "timeout_s": 1,
        "timing_s": 1,
        "build_timeout_s": 1.5,
        "memory_bytes": 1,
        "seed": 0,
        "own_kernel": "report",
        "baselines": None,
        "sanitizer_share": 0,
        "static_tags": "refuse",
        "backward": "report",
        "library_calls": "report",
        "precision": "strict",
    },
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
        (["settings", "mode"], "quick"),
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
    locks = DeviceLocks({"cpu": name})
    with locks.shared():
        if alone:
            with locks.alone("cpu"):
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


def hold_in_steps(name: str, done: Path) -> None:
    locks = DeviceLocks({"cpu": name})
    with locks.shared():
        deadline = time.monotonic() + 20
        while not done.exists() and time.monotonic() < deadline:
            locks.give_way()
            time.sleep(0.01)


def test_who_times_waits_for_a_step_and_not_for_the_whole_of_somebody_elses_work(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    name, done = f"test-{tmp_path.name}", tmp_path / "done"
    other = context.Process(target=hold_in_steps, args=(name, done))
    other.start()
    locks = DeviceLocks({"cpu": name})
    with locks.shared(), locks.alone("cpu"):
        was_working = other.is_alive()
        done.touch()
    other.join(timeout=30)
    assert (was_working, other.exitcode) == (True, 0)


def time_on(name: str, device: str, times: int) -> None:
    locks = DeviceLocks({"cuda": f"{name}-gpu", "cpu": f"{name}-cpu"})
    for _ in range(times):
        with locks.shared():
            locks.give_way()
            with locks.long_step():
                time.sleep(0.002)
            with locks.alone(device):
                time.sleep(0.002)
            locks.give_way()


def test_judges_that_time_on_two_devices_do_not_wait_for_each_other_for_ever(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    devices = ("cpu", "cuda", "cpu", "cuda")
    users = [context.Process(target=time_on, args=(f"test-{tmp_path.name}", device, 40)) for device in devices]
    for user in users:
        user.start()
    for user in users:
        user.join(timeout=60)
    codes = [user.exitcode for user in users]
    for user in users:
        user.kill()
    assert codes == [0, 0, 0, 0]


def test_who_is_not_at_work_gives_way_to_nobody_and_holds_nothing_afterwards(tmp_path: Path) -> None:
    names = {"cpu": f"outside-{tmp_path.name}"}
    mine, other = DeviceLocks(names), DeviceLocks(names)
    with other.shared(), other.alone("cpu"):
        assert not mine.is_waited_for()
        mine.give_way()
    with other.shared(), other.alone("cpu"):
        pass


def test_whoever_is_alone_stays_so_when_it_asks_again_and_gives_way_to_nobody(tmp_path: Path) -> None:
    names = {"cpu": f"again-{tmp_path.name}"}
    mine, other = DeviceLocks(names), DeviceLocks(names)
    entered = threading.Event()

    def enter() -> None:
        with other.shared():
            entered.set()

    with mine.shared():
        with mine.alone("cpu"):
            thread = threading.Thread(target=enter)
            thread.start()
            with mine.alone("cpu"):
                mine.give_way()
            mine.give_way()
            assert not entered.wait(0.2)
        assert entered.wait(10)
    thread.join()


def take_half_and_more(folder: Path, log: Path) -> None:
    shares = MemoryShares(folder, "gpu")
    for _ in range(5):
        shares.take(0.5 * TOTAL, TOTAL)
        note(log, "in", "out")
        shares.give_back()
    shares.close()


TOTAL = 80 << 30
# Of two milliseconds each, while another takes two tenths of a second.
_STEPS_MEANWHILE = 20


def test_two_tasks_that_need_half_of_a_gpu_each_do_not_meet_there_and_small_ones_may(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    log = tmp_path / "log"
    users = [context.Process(target=take_half_and_more, args=(tmp_path, log)) for _ in range(3)]
    for user in users:
        user.start()
    for user in users:
        user.join(timeout=60)
    assert log.read_text().split() == ["in", "out"] * 15
    mine, other = MemoryShares(tmp_path, "gpu"), MemoryShares(tmp_path, "gpu")
    mine.take(0.3 * TOTAL, TOTAL)
    other.take(0.3 * TOTAL, TOTAL)
    assert mine.is_holding
    assert other.is_holding
    mine.give_back()
    assert not mine.is_holding
    other.give_back()
    mine.take(100 * TOTAL, TOTAL)
    for shares in (mine, other):
        shares.close()


def test_who_times_on_a_gpu_does_not_wait_for_whoever_compiles_and_on_the_processor_does(tmp_path: Path) -> None:
    names = {"cuda": f"off-{tmp_path.name}-gpu", "cpu": f"off-{tmp_path.name}-cpu"}
    mine, other = DeviceLocks(names), DeviceLocks(names)
    entered: dict[str, threading.Event] = {"cuda": threading.Event(), "cpu": threading.Event()}

    def time_on_both() -> None:
        for device, event in entered.items():
            with other.shared(), other.alone(device):
                event.set()

    thread = threading.Thread(target=time_on_both)
    with mine.shared():
        with mine.off_gpu():
            thread.start()
            assert entered["cuda"].wait(10)
            assert not entered["cpu"].wait(0.2)
            mine.give_way()
        mine.give_way()
        assert entered["cpu"].wait(10)
    thread.join()


def use_in_steps(names: dict, log: Path, done: Path, num_long: int) -> None:
    locks = DeviceLocks(names)
    deadline = time.monotonic() + 20
    with locks.shared():
        while not done.exists() and time.monotonic() < deadline:
            locks.give_way()
            if num_long:
                num_long -= 1
                with locks.long_step():
                    note(log, "long", "long ended")
            else:
                with log.open("a") as lines:
                    lines.write("short\n")
                time.sleep(0.002)


def test_whoever_wants_to_be_alone_on_a_gpu_keeps_others_from_long_steps_only_until_these_have_ended(
    tmp_path: Path,
) -> None:
    context = multiprocessing.get_context("fork")
    names = {"cuda": f"long-{tmp_path.name}-gpu", "cpu": f"long-{tmp_path.name}-cpu"}
    logs, done = [tmp_path / "first", tmp_path / "second"], tmp_path / "done"
    # One is in the middle of a long step, the other works step by step, and then wants a long one.
    given = [(names, log, done, count) for log, count in zip(logs, (1, 0), strict=True)]
    users = [context.Process(target=use_in_steps, args=args) for args in given]
    for user in users:
        user.start()
    while not (logs[0].exists() and logs[1].exists()):
        time.sleep(0.002)
    mine = DeviceLocks(names)
    with mine.shared(), mine.alone("cuda"):
        known = [log.read_text().split("\n") for log in logs]
        time.sleep(0.1)
        assert [log.read_text().split("\n") for log in logs] == known
        done.touch()
    for user in users:
        user.join(timeout=30)
    assert [user.exitcode for user in users] == [0, 0]
    assert known[0][:2] == ["long", "long ended"]
    assert len(known[1]) > _STEPS_MEANWHILE


def test_no_long_step_begins_while_somebody_waits_to_be_alone(tmp_path: Path) -> None:
    names = {"cuda": f"begin-{tmp_path.name}-gpu", "cpu": f"begin-{tmp_path.name}-cpu"}
    first, second, alone = (DeviceLocks(names) for _ in range(3))
    order: list[str] = []

    def time_alone() -> None:
        with alone.shared(), alone.alone("cuda"):
            order.append("alone")

    def begin_another() -> None:
        with second.shared():
            second.give_way()
            with second.long_step():
                order.append("second")

    threads = [threading.Thread(target=work) for work in (time_alone, begin_another)]
    with first.shared():
        with first.long_step():
            assert not first.is_waited_for()
            for thread in threads:
                thread.start()
                time.sleep(0.1)
            assert first.is_waited_for()
            assert order == []
            # As where a candidate only compiles.
            first.give_way()
        first.give_way()
    for thread in threads:
        thread.join(timeout=10)
    assert order == ["alone", "second"]


def samples(reference: list[float], candidate: list[float], beyond: list[float]) -> Samples:
    """Pairs of calls, in milliseconds; `beyond`: what the outside clock saw of the candidate beyond claim and 1 ms."""
    result = Samples()
    for theirs, mine, more in zip(reference, candidate, beyond, strict=True):
        ns = [round(value * 1e6) for value in (theirs, mine, more, 1.0)]
        result.add(Timing(ns[0], 0, ns[0] + ns[3]), Timing(ns[1], 0, ns[1] + ns[2] + ns[3]))
    return result


def test_the_interval_of_a_speedup_holds_the_speedup() -> None:
    steady = samples([2 + 0.001 * (i % 7) for i in range(40)], [1 + 0.001 * (i % 5) for i in range(40)], [0.0] * 40)
    low, high = steady.interval()
    reference, candidate = steady.medians()
    assert low <= reference / candidate <= high
    assert reference / candidate == pytest.approx(2.0, rel=0.01)
    assert steady.half_width() < samples([2.0] * 40, [1.0, 4.0] * 20, [0.0] * 40).half_width()


def test_the_interval_of_few_pairs_is_that_of_the_fastest_and_the_slowest_calls() -> None:
    few = samples([2.0, 2.1, 2.2, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.1, 1.0, 1.0], [0.0] * 6)
    assert few.interval() == pytest.approx((2.0 / 1.1, 2.2 / 1.0))
    more = samples([2.0, 2.1, 2.2] + [2.0] * 5, [1.1] + [1.0] * 7, [0.0] * 8)
    assert more.half_width() < few.half_width()


def test_one_slow_call_of_few_asks_for_another_pair() -> None:
    progress = _Progress(39.5, 0, is_patient=False, least_pairs=6)
    for slow in (0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0):
        (pair,) = samples([2.0 + slow], [1.0], [0.0])._all
        progress.take(pair, 1.0)
        assert not progress.is_done
    progress.take(pair, 1.0)
    assert progress.is_done


def test_pairs_that_others_disturbed_do_not_count() -> None:
    result = Samples()
    calm, disturbed = Timing(1_000_000, 20_000, 2_000_000), Timing(9_000_000, 8_000_000, 10_000_000)
    result.add(calm, calm)
    result.add(disturbed, calm)
    result.add(calm, disturbed)
    assert (len(result), result.num_disturbed) == (1, 2)


@pytest.mark.parametrize(
    ("claimed", "beyond", "forgery", "confirms"),
    [
        (10.0, [0.0, 0.1, -0.1, 0.05], False, True),
        (10.0, [2.0, 2.1, 1.9, 2.0], False, True),
        (10.0, [4.0, 4.1, 3.9, 4.0], False, False),
        (0.3, [5.0, 5.1, 4.9, 5.0], False, False),
        (0.001, [20.0, 20.1, 19.9, 20.0], True, False),
        (0.001, [20.0, 60.0, -30.0, 5.0], False, False),
        (0.05, [0.01, 0.0, -0.01, 0.02], False, None),
        (0.05, [3.0, 1.0, -5.0, 0.0], False, False),
    ],
)
def test_a_claim_counts_only_as_far_as_the_outside_clock_can_see(
    claimed: float, beyond: list[float], forgery: bool, confirms: bool | None
) -> None:
    witness = samples([10.0] * 16, [claimed] * 16, beyond * 4).witness()
    assert (witness.is_forgery, witness.confirms) == (forgery, confirms)
    assert (witness.objection is None) == (confirms is not False)


def test_a_call_that_waited_for_a_busy_machine_loses_its_figure_and_is_no_forgery() -> None:
    # Two threads of a matrix product on one processor, as the scheduler now and then places them: 9 us become 23 ms.
    slowed = ChainFinding(seen=23e6, claimed=0.4e6, waited=30e6)
    assert (slowed.contradicts, slowed.is_forgery) == (True, False)
    forged = ChainFinding(seen=23e6, claimed=0.4e6, waited=0.1e6)
    assert (forged.contradicts, forged.is_forgery) == (True, True)


@pytest.mark.parametrize(
    ("seen", "contradicts", "is_close"), [(0.6e6, False, True), (1.2e6, True, True), (2e6, True, False)]
)
def test_a_claim_that_seems_a_little_too_small_is_looked_at_more_often_than_one_that_is_far_off(
    seen: float, contradicts: bool, is_close: bool
) -> None:
    found = ChainFinding(seen=seen, claimed=0.4e6, waited=0.0)
    assert (found.contradicts, found.is_close) == (contradicts, is_close)


@pytest.mark.parametrize(("waited", "is_forgery"), [(0, True), (18, False)])
def test_a_claim_is_forged_only_by_what_was_no_waiting_for_others(waited: int, is_forgery: bool) -> None:
    found = Samples()
    for _ in range(16):
        found.add(Timing(10_000, 0, 100_000), Timing(10_000, 0, 20_000_000, kept_waiting=waited * 1_000_000))
    assert (found.witness().contradicts, found.witness().is_forgery) == (True, is_forgery)


def test_no_setting_of_a_library_path_opens_the_folders_of_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    entries = [".", "/", "/tmp", "", str(Path.home()), str(Path.home().parent)]
    monkeypatch.chdir("/")
    monkeypatch.setattr(sys, "path", [*sys.path, *entries])
    monkeypatch.setenv("LD_LIBRARY_PATH", ":".join([*entries, str(libraries)]))
    monkeypatch.setenv("CURATE_REAL_HOME", str(Path.home()))
    readable = survey(tmp_path).readable
    assert libraries in readable
    for personal in (Path("/tmp"), Path("/root"), Path.home()):
        assert not any(personal.is_relative_to(path.absolute()) for path in readable)


def share_one_processor() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    while True:
        pass


def test_what_a_process_ran_and_waited_holds_what_its_children_did() -> None:
    children = [multiprocessing.get_context("fork").Process(target=share_one_processor) for _ in range(2)]
    for child in children:
        child.start()
    try:
        deadline, enough = time.monotonic() + 30, 20_000_000
        while min(ran_ns(os.getpid()), waited_ns(os.getpid())) < enough and time.monotonic() < deadline:
            time.sleep(0.02)
        assert min(ran_ns(os.getpid()), waited_ns(os.getpid())) >= enough
    finally:
        for child in children:
            child.kill()
            child.join()


def spin(milliseconds: int, begun: object) -> None:
    begun.set()
    end = time.process_time() + milliseconds / 1e3
    while time.process_time() < end:
        pass
    time.sleep(60)


@pytest.mark.parametrize(("milliseconds", "rest"), [(1, {Rest.CAME}), (60_000, {Rest.REFUSED, Rest.DID_NOT_COME})])
def test_threads_that_spin_for_the_next_loop_come_to_rest_and_threads_that_compute_do_not(
    milliseconds: int, rest: set[Rest]
) -> None:
    context = multiprocessing.get_context("fork")
    begun = context.Event()
    child = context.Process(target=spin, args=(milliseconds, begun))
    child.start()
    try:
        assert begun.wait(30)
        assert child.pid is not None
        assert wait_for_rest(child.pid) in rest
    finally:
        child.kill()
        child.join()


def test_a_thread_that_computes_is_told_from_one_that_spins_beside_others_that_take_its_processor() -> None:
    context = multiprocessing.get_context("fork")
    known, begun = os.sched_getaffinity(0), [context.Event() for _ in range(5)]
    os.sched_setaffinity(0, {min(known)})
    children = [context.Process(target=spin, args=(60_000, event)) for event in begun]
    for child in children:
        child.start()
    os.sched_setaffinity(0, known)
    try:
        assert all(event.wait(30) for event in begun)
        assert children[0].pid is not None
        assert wait_for_rest(children[0].pid) is Rest.REFUSED
    finally:
        for child in children:
            child.kill()
            child.join()


def test_an_objection_of_the_outside_clock_says_what_it_saw() -> None:
    steady = samples([10.0] * 16, [10.0] * 16, [4.0, 4.1, 3.9, 4.0] * 4).witness()
    assert steady.objection is not None
    assert "4.00 ms" in steady.objection
    assert "not what it takes" in steady.objection
    unsteady = samples([10.0] * 16, [0.05] * 16, [3.0, 1.0, -5.0, 0.0] * 4).witness()
    assert unsteady.objection is not None
    assert "too unsteady" in unsteady.objection


@pytest.mark.parametrize(
    ("beyond", "is_patient", "least", "count"),
    [
        ([0.0, 0.1, -0.1, 0.05], True, 8, 8),
        ([0.0, 0.1, -0.1, 0.05], False, 6, 6),
        ([9.0, -9.0], False, 6, 16),
        ([9.0, -9.0], True, 8, 40),
    ],
)
def test_where_the_outside_clock_will_tell_nothing_nobody_waits_for_it_who_holds_all_memory(
    beyond: list[float], is_patient: bool, least: int, count: int
) -> None:
    progress = _Progress(39.5, 0, is_patient=is_patient, least_pairs=least)
    for number in range(100):
        if progress.is_done:
            break
        (pair,) = samples([2.0], [1.0], [beyond[number % len(beyond)]])._all
        progress.take(pair, 1.0)
    assert len(progress.samples) == count
