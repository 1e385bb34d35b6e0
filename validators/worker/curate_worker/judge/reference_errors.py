"""Talks to a reference's process, and blames the task for whatever goes wrong there."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..channel import Message
from ..tensors import DTYPES, Malformed
from ..values import Parcel, parcel_of
from .faults import RunnerLost, Verdict
from .log_text import clean_log
from .needs_gpu import needs_gpu
from .phases import phase
from .requests import Settings
from .runner_handle import RunnerHandle
from .station import Station

_MAX_EXPANDED_BYTES = 1 << 30
LOST_CAUSES = ("REF_CRASH", "REF_TIMEOUT", "REF_OUT_OF_MEMORY")
"""After these its process is gone, or of no use."""
_CAUSES_OF_LOSS = {"timeout": "REF_TIMEOUT"}
_ERROR_CAUSES = {
    "NotTransferable": "INPUT_NOT_TRANSFERABLE",
    "ModuleNotFoundError": "REF_IMPORT_ERROR",
    "MemoryError": "REF_OUT_OF_MEMORY",
    "OutOfMemoryError": "REF_OUT_OF_MEMORY",
    "DataDependentOutputException": "VALUE_DEPENDENT",
    "DynamicOutputShapeException": "VALUE_DEPENDENT",
    "GuardOnDataDependentSymNode": "VALUE_DEPENDENT",
}


def start_reference(station: Station, settings: Settings, device: str) -> RunnerHandle:
    """Starts a process for a reference."""
    return RunnerHandle(station.server, station.room(settings.memory_bytes, device), settings.timeout_s)


def ask_reference(
    runner: RunnerHandle, message: Message, *wanted: str, meanwhile: Callable[[], None] = lambda: None
) -> Message:
    """
    Sends a message and gives an answer of a wanted kind; anything else is a Verdict that blames the task. Before the
    answer is waited for, `meanwhile` is called.
    """
    try:
        with phase(f"reference_{message.kind}"):
            runner.begin(message.kind, message.body, message.blobs, rests=message.rests)
            meanwhile()
            answer = runner.answer()
    except RunnerLost as lost:
        raise _invalid(_CAUSES_OF_LOSS.get(lost.kind, "REF_CRASH"), f"the reference: {lost}") from lost
    if answer.kind in wanted:
        return answer
    text = clean_log(str(answer.body.get("text", "an answer out of place")), runner.scratch)
    if needs_gpu(text):
        raise Verdict("NOT_RUN", "task", "NO_GPU", None, f"the reference needs a GPU: {text}")
    raise _invalid(cause_of(answer), text)


def cause_of(answer: Message) -> str:
    """What an error of a reference is called."""
    return _ERROR_CAUSES.get(str(answer.body.get("type")), "REF_INVALID")


def parcel_in(answer: Message, name: str) -> Parcel:
    """A value in an answer, with its part of the blobs; values lie in the order of their names' first use."""
    try:
        start = 0
        for field, body in answer.body.items():
            count = len(body["tensors"]) if isinstance(body, dict) and "tensors" in body else 0
            if field == name:
                return parcel_of(body, answer.blobs[start : start + count])
            start += count
    except (Malformed, TypeError, KeyError) as error:
        raise _invalid("REF_INVALID", f"the reference's process sent {error}") from error
    raise _invalid("REF_INVALID", f"the reference's process sent no {name}")


def number_in(answer: Message, name: str) -> int:
    """A number in an answer."""
    value = answer.body.get(name)
    if type(value) is not int or value < 0:
        raise _invalid("REF_INVALID", f"the reference's process sent no {name}")
    return value


def texts_in(answer: Message, name: str) -> list[str]:
    """A list of texts in an answer."""
    value = answer.body.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _invalid("REF_INVALID", f"the reference's process sent no {name}")
    return value


def names_in(answer: Message, name: str) -> dict[str, str]:
    """Names by other names, in an answer."""
    value = answer.body.get(name)
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _invalid("REF_INVALID", f"the reference's process sent no {name}")
    return value


def places_in(answer: Message, name: str, count: int) -> list[int]:
    """Places among `count` things, in an answer."""
    value = answer.body.get(name)
    if not isinstance(value, list) or not all(type(item) is int and 0 <= item < count for item in value):
        raise _invalid("REF_INVALID", f"the reference's process sent no {name}")
    return value


def pairs_in(answer: Message, name: str) -> list[tuple[int, int]]:
    """Pairs of numbers in an answer."""
    value = answer.body.get(name)
    if not isinstance(value, list) or not all(_is_pair(item) for item in value):
        raise _invalid("REF_INVALID", f"the reference's process sent no {name}")
    return [(first, second) for first, second in value]


def _is_pair(item: object) -> bool:
    return isinstance(item, list) and [type(number) for number in item] == [int, int]


def require_usable_size(output: Parcel) -> None:
    """Raises a Verdict for an output that fits into few bytes but stands for more than can be compared."""
    for descriptor in output.tensors:
        num_bytes = math.prod(descriptor.shape) * DTYPES[descriptor.dtype].itemsize
        if num_bytes > max(_MAX_EXPANDED_BYTES, 2 * descriptor.num_bytes):
            raise _invalid("REF_INVALID", f"an output of shape {list(descriptor.shape)} is too large to be compared")


def _invalid(cause: str, text: str) -> Verdict:
    return Verdict("INVALID_REFERENCE", "task", cause, "task", text)
