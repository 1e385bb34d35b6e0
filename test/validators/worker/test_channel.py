"""Frames between judge and runner."""

from __future__ import annotations

import json
import socket
import struct

import pytest
from curate_worker.channel import (
    MAX_HEADER_BYTES,
    BlockingChannel,
    Message,
    ProtocolError,
    TooLarge,
    decode_header,
    encode_header,
    header_length,
)


def test_a_frame_arrives_as_it_was_sent() -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = BlockingChannel(ours, 1 << 20), BlockingChannel(theirs, 1 << 20)
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
    ours.sendall(b"CRT1")
    ours.close()
    assert BlockingChannel(theirs, 1 << 20).receive() is None


@pytest.mark.parametrize("prefix", [b"CRT2\0\0\0\1", struct.pack(">4sI", b"CRT1", MAX_HEADER_BYTES + 1)])
def test_what_is_no_frame_is_refused_before_it_is_read(prefix: bytes) -> None:
    with pytest.raises(ProtocolError):
        header_length(prefix)


GOOD = {"seq": 3, "kind": "called", "body": {}, "blobs": [8]}


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
