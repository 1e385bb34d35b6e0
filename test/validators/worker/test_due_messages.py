"""What the judge's clock sees of a call is not how long it takes to wake two processes."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from collections.abc import Callable

import pytest
from curate_worker.channel import BlockingChannel
from curate_worker.judge.fork_client import Room
from curate_worker.judge.open_reference import opened_reference
from curate_worker.judge.reference_errors import start_reference
from curate_worker.judge.requests import Task, Workload
from curate_worker.judge.runner_handle import RunnerHandle
from small_task import REFERENCE, SETTINGS

_TRIES = 20
# Of a processor, in vain.
_MOST_SECONDS = 0.2
_ROOM = Room(4 << 30, 1 << 20)


@pytest.mark.parametrize("is_due", [True, False])
def test_a_runner_sleeps_for_a_message_unless_it_is_due(*, is_due: bool) -> None:
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        channel = _channel_of(theirs)
        slept = []
        for _ in range(_TRIES):
            theirs.sendall(b"!")
            slept.append(_sleeps(lambda: channel.receive(is_due=is_due)))
        theirs.sendall(json.dumps(slept).encode())
        os._exit(0)
    channel = _channel_of(ours)
    for _ in range(_TRIES):
        ours.recv(1)
        time.sleep(0.0005)
        channel.send("call", {})
    num_asleep = sum(count > 0 for count in json.loads(ours.recv(1000)))
    # On a busy machine one may come late, or before it is waited for.
    assert num_asleep < _TRIES / 2 if is_due else num_asleep > _TRIES / 2


def test_what_is_due_and_late_is_slept_for() -> None:
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        channel = _channel_of(theirs)
        used = time.process_time()
        message = channel.receive(is_due=True)
        used = time.process_time() - used
        theirs.sendall(json.dumps([message is not None and message.kind, used]).encode())
        os._exit(0)
    time.sleep(0.5)
    _channel_of(ours).send("call", {})
    kind, used = json.loads(ours.recv(100))
    assert kind == "call"
    assert used < _MOST_SECONDS


def test_the_judge_sleeps_for_an_answer_unless_it_looks_out(opened: tuple) -> None:
    station, _ = opened
    with RunnerHandle(station.server, _ROOM, 20.0) as runner:
        runner.request("open_reference", _opening(0))
        asleep, awake = [], []
        for _ in range(_TRIES):
            asleep.append(_sleeps(lambda: runner.request("open_reference", _opening(0.005))))
            runner.look_out()
            awake.append(_sleeps(lambda: runner.request("open_reference", _opening(0.005))))
            time.sleep(0.03)
    # On a busy machine one may come late, or before it is waited for.
    assert sum(count > 0 for count in asleep) > _TRIES / 2
    assert sum(count > 0 for count in awake) < _TRIES / 2


def test_who_looks_out_in_vain_sleeps_in_the_end(opened: tuple) -> None:
    station, _ = opened
    with RunnerHandle(station.server, _ROOM, 20.0) as runner:
        runner.look_out()
        used = time.thread_time()
        assert runner.request("open_reference", _opening(0.5)).kind == "opened"
        assert time.thread_time() - used < _MOST_SECONDS


def test_the_judge_does_nothing_but_ask_while_a_reference_is_called(
    opened: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    station, _ = opened
    task = Task("due", REFERENCE, [Workload("w", {})])
    done: list[str] = []
    begin = RunnerHandle.begin

    def noted(self: RunnerHandle, kind: str, *given: object, **named: object) -> None:
        done.append(kind)
        begin(self, kind, *given, **named)

    with start_reference(station, SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (SETTINGS, "cpu"))
        inputs = reference.make_inputs(reference.how(0))
        monkeypatch.setattr(RunnerHandle, "leave_room", lambda *_: done.append("look for room"))
        monkeypatch.setattr(RunnerHandle, "begin", noted)
        looked_at = reference.call(inputs, flush=True)
        timed = reference.call(inputs, flush=True, look=False)
    assert done == ["look for room", "stage", "call", "facts", "look for room", "stage", "call"]
    assert bytes(timed.output.blobs[0]) == bytes(looked_at.output.blobs[0])
    assert (len(looked_at.input_digests), timed.input_digests) == (1, [])


_COUNTING = """
import gc
import torch

class Model(torch.nn.Module):
    def forward(self, x, alive):
        return torch.relu(x)

def get_inputs():
    alive = sum(type(item) is torch.Tensor and item.shape == (64, 33) for item in gc.get_objects())
    return [torch.rand(64, 33), torch.full((1,), alive, dtype=torch.int32)]

def get_init_inputs():
    return []
"""


@pytest.mark.parametrize("look", [True, False])
def test_a_process_of_which_nothing_more_is_asked_forgets_its_call(opened: tuple, *, look: bool) -> None:
    station, _ = opened
    task = Task("forgets", _COUNTING, [Workload("w", {})])
    with start_reference(station, SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (SETTINGS, "cpu"))
        before = reference.make_inputs(reference.how(0))
        reference.call(before, flush=False, look=look)
        after = reference.make_inputs(reference.how(0))
    assert bytes(before.blobs[1]) == bytes(after.blobs[1])


def _opening(seconds: float) -> dict:
    source = f"{REFERENCE}\ntime.sleep({seconds})"
    return {"workload": "w", "source": source, "axes": {}, "device": "cpu", "seed": 0}


def _sleeps(work: Callable[[], object]) -> int:
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    work()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before


def _channel_of(connection: socket.socket) -> BlockingChannel:
    return BlockingChannel(connection, 1 << 20, lambda: pytest.fail("no tensor comes"))


def test_what_is_timed_on_a_gpu_keeps_its_memory_and_no_more_than_that(
    opened: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    station, _ = opened
    task = Task("kept", REFERENCE, [Workload("w", {})])
    kept: list[RunnerHandle] = []

    def noted(self: RunnerHandle) -> None:
        kept.append(self)

    monkeypatch.setattr(RunnerHandle, "keep_memory", noted)
    with start_reference(station, SETTINGS, "cpu") as runner:
        reference = opened_reference(station, runner, task, task.workloads[0], (SETTINGS, "cpu"))
        reference.begin_timing()
        assert (kept, reference.is_timed) == ([], False)
        # On one that is played.
        reference.device = "cuda"
        reference.begin_timing()
    assert (kept, reference.is_timed, reference.keeps_memory) == ([runner], True, False)
