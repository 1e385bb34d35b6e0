"""What a candidate's process says of a call, checked: its numbers are counted with, so none may be absurd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..channel import Message
from ..tensors import Malformed
from ..values import Parcel, parcel_of
from .samples import Timing

SPECIAL: Final = ("blocked", "ablated", "altered", "poisoned", "profiled")
"""What may be special about a call."""
_MOST: Final = 1 << 53
_NUMBERS: Final = ("count", "ns", "elements", "flops")
_MOST_ROWS, _MOST_CHARACTERS = 64, 512


@dataclass(frozen=True)
class CallAnswer:
    """One call as the judge saw it."""

    outputs: Parcel
    timing: Timing
    input_digests: list[str]
    aliases: list[tuple[int, int]]
    triton_launches: int
    extension_calls: int
    overrun: list[int] | None
    """Inputs beyond whose ends it wrote; None where nobody could see that."""
    computed_early: bool | None
    """Whether a blocked call's outputs were there while the device's stream was still blocked; None where not seen."""
    num_overrun_outputs: int
    """Tensors that it allocated or was given for outputs, and wrote past the ends of, as far as somebody watched."""
    is_parameter: bool
    """Whether an output is the memory of a parameter or buffer."""
    has_twin_outputs: bool
    """Whether two outputs are the same memory."""
    is_reused: bool
    """Whether an output is the memory of the output of the call before, which was kept."""
    is_late: bool
    """Whether any call so far wrote to an output when it had returned."""
    changed_state: list[str]
    """Parameters and buffers that it wrote into, by the reference's names where it has such."""
    work: list[Work]
    """What its time was spent on; empty where nobody looked."""
    hooks: list[str]
    """What it left in place to be called when nobody calls it."""


@dataclass(frozen=True)
class Work:
    """A kernel, an operator of PyTorch or a function of an extension, and the time spent in it."""

    kind: str
    """`kernel`, `operator` or `own`."""
    name: str
    count: int
    ns: int
    elements: int = 0
    """Of what an operator of the processor was given that called no other one to compute."""
    flops: int = 0
    """Of the same, as far as PyTorch knows a formula."""


def call_answer(answer: Message, told: dict, outside: int, names: dict[str, str]) -> CallAnswer:
    """
    One call from what its process says of it, the judge's clock, and the reference's names of parameters by its own.
    Raises Malformed, KeyError, TypeError or ValueError for what no honest process says.
    """
    counted = [answer.body["nanoseconds"], answer.body["waited_nanoseconds"]]
    counted += [told[name] for name in ("triton_launches", "extension_calls", "overrun_outputs")]
    if any(type(item) is not int or not 0 <= item < _MOST for item in counted):
        raise Malformed("an answer with impossible numbers")
    inside, waited, launches, calls, num_overrun = counted
    early = answer.body["computed_early"]
    known = [told[name] for name in ("is_parameter", "has_twin_outputs", "is_reused", "is_late")]
    known += [] if early is None else [early]
    if any(type(item) is not bool for item in known):
        raise Malformed("an answer with an impossible finding")
    return CallAnswer(
        outputs=parcel_of(answer.body["parcel"], answer.blobs),
        timing=Timing(inside, waited, outside, answer.body.get("host_was_free") is True),
        input_digests=_texts(told["input_digests"]),
        aliases=[(_place(output), _place(index)) for output, index in told["aliases"]],
        triton_launches=launches,
        extension_calls=calls,
        overrun=[_place(index) for index in told["overrun"]] if told["guarded"] is True else None,
        computed_early=early,
        num_overrun_outputs=num_overrun,
        is_parameter=told["is_parameter"],
        has_twin_outputs=told["has_twin_outputs"],
        is_reused=told["is_reused"],
        is_late=told["is_late"],
        work=[work_of(row) for row in told["work"][:_MOST_ROWS]],
        hooks=[text[:_MOST_CHARACTERS] for text in _texts(told["hooks"])[:_MOST_ROWS]],
        changed_state=[names.get(name, name) for name in _texts(told["changed_state"])],
    )


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed("an answer with impossible texts")
    return value


def _place(value: object) -> int:
    if type(value) is not int or not 0 <= value < _MOST:
        raise Malformed("an answer with an impossible place")
    return value


def work_of(row: object) -> Work:
    """Checks what was told of one. Raises Malformed, KeyError or TypeError for what no honest process says."""
    if not isinstance(row, dict) or row.get("kind") not in ("kernel", "operator", "own"):
        raise Malformed("an answer with impossible work")
    return Work(row["kind"], str(row["name"])[:_MOST_CHARACTERS], *(_place(row[name]) for name in _NUMBERS))
