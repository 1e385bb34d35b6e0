"""
Frames between judge and runner: magic, length, a JSON header, raw bytes. Never pickle: the other side may be hostile.

    4 bytes "CRT2" | 4 bytes header length | header: {"seq", "kind", "body", "blobs": [length, ...], "shared": [index,
    ...], "placed": [[index, number], ...], "rests", "let_go": [number, ...]} | the blobs

Blobs that `shared` names lie on the GPU and cross through memory that both ends see (window.py), piece by piece: in
their place there is one byte of the sender for each piece, which the receiver answers with another.

The judge lends a runner memory by number (lent_memory.py). Blobs that are `placed` lie there already: nothing stands in
their place. Where `rests` stands in its message, each large blob of the answer waits for a message that names such
memory: what is left there, announced by one byte, the judge takes for the blob without copying it; where none is named
the blob crosses as the others do. What the judge has `let_go` is lent no more, what the runner has may be used again.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch

from .lent_memory import LentMemory
from .tensors import Blob, room_for
from .window import Window, is_large

MAGIC: Final = b"CRT2"
PREFIX: Final = struct.Struct(">4sI")
MAX_HEADER_BYTES: Final = 8 << 20
MAX_BLOBS: Final = 4096
_FIELDS: Final = {"seq", "kind", "body", "blobs", "shared", "placed", "rests", "let_go"}
_PAIR: Final = 2
PIECE_SIGNAL: Final = b"\x06"
ERROR: Final = "error"
WIDEN: Final = "widen"
"""A message that is followed by one byte, and with it by a descriptor of memory that both ends share from then on."""
_LOOK_SECONDS: Final = 0.003

LEND: Final = "lend"
"""The same, of memory that has a number; it is answered by one byte, `PIECE_SIGNAL` or `REFUSAL`."""
REFUSAL: Final = b"\x15"
PLACE: Final = "place"
"""Says where a blob is awaited: the number of lent memory, or null for the window."""


class ProtocolError(Exception):
    """The other side sent something that is not the next frame."""


class TooLarge(ProtocolError):  # noqa: N818
    """A frame with more tensors than the receiver has room for."""


@dataclass
class Message:
    """One frame: what it is, its JSON body, and the raw bytes of its tensors."""

    kind: str
    body: dict
    blobs: list[Blob] = field(default_factory=list)
    placed: dict[int, int] = field(default_factory=dict, kw_only=True)
    """Numbers of the lent memory in which blobs lie, by their places."""
    rests: bool = field(default=False, kw_only=True)
    """Whether large tensors of the answer may stay in memory that was lent."""
    let_go: list[int] = field(default_factory=list, kw_only=True)
    """Numbers of lent memory that the sender has no more to do with."""


@dataclass(frozen=True)
class Header:
    """The first part of a frame, checked."""

    kind: str
    body: dict
    blob_lengths: list[int]
    shared: set[int]
    """Which blobs cross through the window."""
    placed: dict[int, int]
    rests: bool
    let_go: list[int]


def encode_header(sequence: int, message: Message) -> bytes:
    """Prefix and header of a frame; the blobs follow as they are."""
    lengths = [blob.nbytes for blob in message.blobs]
    tensors = [index for index, blob in enumerate(message.blobs) if isinstance(blob, torch.Tensor)]
    shared, placed = [index for index in tensors if index not in message.placed], [*message.placed.items()]
    header = {"seq": sequence, "kind": message.kind, "body": message.body, "blobs": lengths, "shared": shared}
    header |= {"placed": placed, "rests": message.rests, "let_go": message.let_go}
    text = json.dumps(header, allow_nan=False).encode()
    if len(text) > MAX_HEADER_BYTES:
        raise ProtocolError(f"a header of {len(text)} bytes is too long")
    return PREFIX.pack(MAGIC, len(text)) + text


def header_length(prefix: bytes) -> int:
    """Length of the header that follows a prefix."""
    magic, length = PREFIX.unpack(prefix)
    if magic != MAGIC or length > MAX_HEADER_BYTES:
        raise ProtocolError("not the start of a frame")
    return int(length)


def decode_header(text: bytes, sequence: int, max_blob_bytes: int) -> Header:
    """Checks a header completely before a byte of memory is set aside for what it announces."""
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a header that is not JSON") from error
    if not isinstance(header, dict) or set(header) != _FIELDS:
        raise ProtocolError("a header with other fields")
    kind, body, blobs = header["kind"], header["body"], header["blobs"]
    if type(header["seq"]) is not int or header["seq"] != sequence:
        raise ProtocolError("a frame out of order")
    if not isinstance(kind, str) or not isinstance(body, dict) or not isinstance(blobs, list):
        raise ProtocolError("a header with wrong types")
    if len(blobs) > MAX_BLOBS or any(type(length) is not int or length < 0 for length in blobs):
        raise ProtocolError("a header with impossible lengths")
    if sum(blobs) > max_blob_bytes:
        raise TooLarge(f"it sent {sum(blobs)} bytes of tensors, more than the {max_blob_bytes} that are allowed")
    shared, placed = header["shared"], _pairs(header["placed"])
    places = [*shared, *placed] if _are_integers(shared) else [-1]
    if any(not 0 <= index < len(blobs) for index in places) or len(set(places)) != len(places):
        raise ProtocolError("a header with blobs in impossible places")
    rests, let_go = header["rests"], header["let_go"]
    if type(rests) is not bool or not _are_integers(let_go):
        raise ProtocolError("a header with impossible memory")
    return Header(kind, body, blobs, set(shared), placed, rests, let_go)


def _pairs(items: object) -> dict[int, int]:
    if not isinstance(items, list) or not all(_are_integers(item) and len(item) == _PAIR for item in items):
        raise ProtocolError("a header with blobs in impossible memory")
    if len(pairs := dict(items)) != len(items):
        raise ProtocolError("a header with a blob in two places")
    return pairs


def _are_integers(items: object) -> bool:
    return isinstance(items, list) and all(type(item) is int for item in items)


class BlockingChannel:
    """The runner's end: waits as long as it takes, and ends the process when the judge is gone."""

    def __init__(
        self,
        connection: socket.socket,
        max_blob_bytes: int,
        window: Callable[[], Window],
        lent: LentMemory | None = None,
    ) -> None:
        """`window` opens the memory shared with the judge; called when the first tensor crosses there."""
        self._connection = connection
        self._max_blob_bytes = max_blob_bytes
        self._window = window
        self._lent = LentMemory() if lent is None else lent
        self._rests = False
        self._received = 0
        self._sent = 0

    def send(self, kind: str, body: dict, blobs: Sequence[Blob] = ()) -> None:
        """Sends one frame."""
        # After an error nothing is asked of the device: the answer is to come out.
        let_go = [] if kind == ERROR else self._lent.take_let_go()
        message = Message(kind, body, list(blobs), let_go=let_go)
        self._connection.sendall(encode_header(self._sent, message))
        self._sent += 1
        for blob in message.blobs:
            if isinstance(blob, torch.Tensor):
                self._send_tensor(blob)
            else:
                self._connection.sendall(blob)

    def receive(self, *, is_due: bool = False) -> Message | None:
        """
        The next frame, or None when the judge has closed its end. One that is due is looked for, for a moment, and not
        slept for: to be woken takes a part of a millisecond, now more, now less, and the judge's clock sees it.
        """
        try:
            header = self._header(is_due=is_due)
            blobs = [self._blob(header, index) for index in range(len(header.blob_lengths))]
        except EOFError:
            return None
        self._rests = header.rests
        return Message(header.kind, header.body, blobs)

    def widen(self, opened: Callable[[int], Window]) -> None:
        """Takes in what follows a message to widen the window; tensors cross there from now on."""
        window = opened(self._descriptor())
        self._window = lambda: window

    def _send_tensor(self, blob: torch.Tensor) -> None:
        number = self._header().body["number"] if self._rests and is_large(blob.numel()) else None
        if number is None:
            self._window().send(blob, self._signal, self._wait)
            return
        self._lent.fill(number, blob)
        self._signal()

    # The next one, but for those that only bring memory.
    def _header(self, *, is_due: bool = False) -> Header:
        while True:
            text = self._read(header_length(bytes(self._read(PREFIX.size, is_due=is_due))))
            header = decode_header(bytes(text), self._received, self._max_blob_bytes)
            self._received += 1
            self._lent.forget(header.let_go)
            if header.kind != LEND:
                return header
            is_taken = self._lent.take_in(**header.body, descriptor=self._descriptor())
            self._connection.sendall(PIECE_SIGNAL if is_taken else REFUSAL)

    def _descriptor(self) -> int:
        _, descriptors, _, _ = socket.recv_fds(self._connection, len(PIECE_SIGNAL), 1)
        if len(descriptors) != 1:
            raise ProtocolError("no descriptor where one was expected")
        return descriptors[0]

    def _blob(self, header: Header, index: int) -> Blob:
        length = header.blob_lengths[index]
        if index in header.placed:
            return self._lent.blob(header.placed[index], length)
        return (
            self._window().receive(length, self._signal, self._wait) if index in header.shared else self._read(length)
        )

    def _signal(self) -> None:
        self._connection.sendall(PIECE_SIGNAL)

    def _wait(self) -> None:
        if bytes(self._read(1, is_due=True)) != PIECE_SIGNAL:
            raise ProtocolError("something else where a signal was expected")

    def _read(self, length: int, *, is_due: bool = False) -> memoryview:
        if is_due:
            self._look_for_bytes()
        buffer = room_for(length)
        filled = 0
        while filled < length:
            count = self._connection.recv_into(buffer[filled:])
            if count == 0:
                raise EOFError
            filled += count
        return buffer

    def _look_for_bytes(self) -> None:
        until = time.monotonic() + _LOOK_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
                return
