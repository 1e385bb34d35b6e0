"""Frames between judge and runner."""

from __future__ import annotations

import json
import os
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from curate_worker.channel import (
    MAX_HEADER_BYTES,
    PIECE_SIGNAL,
    WIDEN,
    BlockingChannel,
    Message,
    ProtocolError,
    TooLarge,
    decode_header,
    encode_header,
    header_length,
)
from curate_worker.judge import runner_handle
from curate_worker.judge.fork_client import Room
from curate_worker.tensors import as_bytes, same_bytes
from curate_worker.window import Window


def test_a_frame_arrives_as_it_was_sent() -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = _channel(ours), _channel(theirs)
    sender.send("first", {"a": [1, None, "ü"]}, [memoryview(b"abc"), memoryview(b"")])
    sender.send("second", {})
    first, second = receiver.receive(), receiver.receive()
    assert first is not None
    assert second is not None
    assert (first.kind, first.body) == ("first", {"a": [1, None, "ü"]})
    assert [bytes(blob) for blob in first.blobs] == [b"abc", b""]
    assert (second.kind, second.blobs) == ("second", [])


def test_a_closed_channel_gives_none() -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(b"CRT2")
    ours.close()
    assert _channel(theirs).receive() is None


@pytest.mark.parametrize("num_bytes", [1, 4095, 4096, 4097, 100_000])
def test_tensors_cross_through_shared_memory_piece_by_piece(num_bytes: int) -> None:
    # What stands for the GPU's memory here is a tensor that both threads see.
    window = Window(torch.zeros(4096, dtype=torch.uint8))
    ours, theirs = socket.socketpair()
    blob = torch.randint(0, 256, (num_bytes,), dtype=torch.uint8)
    with ThreadPoolExecutor(1) as elsewhere:
        received = elsewhere.submit(_channel(theirs, window).receive)
        _channel(ours, window).send("called", {}, [memoryview(b"abc"), blob, memoryview(b"de")])
        message = received.result(timeout=20)
    assert message is not None
    assert [bytes(as_bytes(item).numpy()) for item in message.blobs] == [
        b"abc",
        bytes(blob.numpy()),
        b"de",
    ]


def test_what_arrived_through_shared_memory_is_a_copy() -> None:
    memory = torch.zeros(16, dtype=torch.uint8)
    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(1) as elsewhere:
        received = elsewhere.submit(_channel(theirs, Window(memory)).receive)
        _channel(ours, Window(memory)).send("called", {}, [torch.full((16,), 7, dtype=torch.uint8)])
        message = received.result(timeout=20)
    memory.fill_(9)
    assert message is not None
    assert same_bytes(message.blobs[0], torch.full((16,), 7, dtype=torch.uint8))


def test_something_else_in_place_of_a_signal_is_refused() -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(encode_header(0, Message("called", {}, [torch.zeros(4, dtype=torch.uint8)])) + b"x")
    with pytest.raises(ProtocolError):
        _channel(theirs, Window(torch.zeros(4, dtype=torch.uint8))).receive()


def _channel(connection: socket.socket, window: Window | None = None) -> BlockingChannel:
    def opened() -> Window:
        assert window is not None
        return window

    return BlockingChannel(connection, 1 << 20, opened)


@pytest.mark.parametrize("prefix", [b"CRT1\0\0\0\1", struct.pack(">4sI", b"CRT2", MAX_HEADER_BYTES + 1)])
def test_what_is_no_frame_is_refused_before_it_is_read(prefix: bytes) -> None:
    with pytest.raises(ProtocolError):
        header_length(prefix)


GOOD = {
    "seq": 3,
    "kind": "called",
    "body": {},
    "blobs": [8],
    "shared": [],
    "placed": [[0, 4]],
    "rests": False,
    "let_go": [2],
}


def test_a_header_is_read_as_it_was_written() -> None:
    header = decode_header(json.dumps(GOOD).encode(), 3, 1 << 20)
    assert (header.kind, header.blob_lengths, header.placed, header.let_go) == ("called", [8], {0: 4}, [2])


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 2},
        {"seq": 3.0},
        {"seq": True},
        {"kind": 1},
        {"body": []},
        {"blobs": [-1]},
        {"blobs": ["8"]},
        {"blobs": [1] * 5000},
        {"shared": [1]},
        {"shared": [-1]},
        {"shared": [0.0]},
        {"shared": None},
        {"shared": [0]},
        {"placed": [[1, 4]]},
        {"placed": [[0, "4"]]},
        {"placed": [[0, 4, 4]]},
        {"placed": [[0, 4], [0, 5]]},
        {"placed": [0]},
        {"placed": {"0": 4}},
        {"rests": 1},
        {"let_go": [1.0]},
        {"let_go": [True]},
        {"let_go": {"1": 1}},
        {"verdict": "PASSED"},
    ],
)
def test_a_forged_header_is_refused(change: dict) -> None:
    with pytest.raises(ProtocolError):
        decode_header(json.dumps(GOOD | change).encode(), 3, 1 << 20)


def test_a_frame_with_too_much_is_refused_before_memory_is_set_aside() -> None:
    with pytest.raises(TooLarge):
        decode_header(json.dumps(GOOD | {"blobs": [1 << 60]}).encode(), 3, 1 << 20)


@pytest.mark.parametrize("text", [b"\x80\x04pickle", b"[" * 100_000, b"nan", b'{"seq": 3}'])
def test_headers_that_are_not_json_objects_are_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_header(text, 3, 1 << 20)


def test_numbers_that_json_cannot_hold_are_not_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_header(0, Message("called", {"value": float("nan")}))


def test_tensors_cross_in_wider_memory_once_its_descriptor_came() -> None:
    narrow, wide = (Window(torch.zeros(size, dtype=torch.uint8)) for size in (4, 4096))
    ours, theirs = socket.socketpair()
    receiver, sender = _channel(theirs, narrow), _channel(ours, wide)
    sender.send(WIDEN, {})
    socket.send_fds(ours, [PIECE_SIGNAL], [0])
    opened: list[int] = []
    assert receiver.receive() == Message(WIDEN, {})
    receiver.widen(lambda descriptor: (opened.append(descriptor), wide)[1])
    blob = torch.arange(100, dtype=torch.uint8)
    with ThreadPoolExecutor(1) as elsewhere:
        received = elsewhere.submit(receiver.receive)
        sender.send("called", {}, [blob])
        message = received.result(timeout=20)
    os.close(opened[0])
    assert message is not None
    assert torch.equal(message.blobs[0], blob)


class _Memory:
    """Stands where memory of a GPU stands; nobody can map it."""

    def __init__(self, num_bytes: int) -> None:
        self.bytes = torch.zeros(num_bytes, dtype=torch.uint8)
        self.is_closed = False

    def export(self) -> int:
        return os.memfd_create("memory")

    def close(self) -> None:
        self.is_closed = True


def test_a_program_that_cannot_map_wider_memory_goes_on_with_what_it_has(
    opened: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[_Memory] = []

    def allocate(num_bytes: int) -> _Memory:
        made.append(_Memory(num_bytes))
        return made[-1]

    monkeypatch.setattr(runner_handle.GpuMemory, "allocate", allocate)
    with runner_handle.RunnerHandle(opened[0].server, Room(2 << 30, 1 << 20), 60.0) as runner:
        runner._memory = known = _Memory(4)
        runner.allow(-1.0)
        for _ in range(2):
            runner.widen(8)
        assert [(memory.bytes.numel(), memory.is_closed) for memory in made] == [(8, True)]
        assert runner.window_bytes == known.bytes.numel()
        assert runner.request("probe", {"device": "cpu", "forbidden": []}).kind == "probed"
