"""What a runner answers with."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..tensors import Blob
from ..values import Parcel, joined, pack
from .gradients import Gradients


@dataclass
class Answer:
    """What a handler says: the kind of message, its body and its blobs."""

    kind: str
    body: dict = field(default_factory=dict)
    blobs: list[Blob] = field(default_factory=list)


def answer_parcel(kind: str, parcel: Parcel, **facts: object) -> Answer:
    """An answer that carries a value."""
    return Answer(kind, {"parcel": parcel.body(), **facts}, parcel.blobs)


def answer_gradients(output: Parcel, found: Gradients) -> Answer:
    """An answer that carries an output and its gradients."""
    bodies, blobs = joined([output, pack(found.by_name)])
    body = {"parcels": bodies, "attached": found.attached, "has_own_backward": found.has_own_backward}
    return Answer("differentiated", body, blobs)
