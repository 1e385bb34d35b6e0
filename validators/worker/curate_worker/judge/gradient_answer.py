"""What a process says of gradients, checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..channel import Message
from ..tensors import Malformed
from ..values import Parcel, parted
from .leaves import leaves_of


@dataclass(frozen=True)
class GradientAnswer:
    """An output, and the gradients of the sum of what it was multiplied by."""

    output: Parcel
    gradients: dict[str, torch.Tensor]
    """By `input 0` and `parameter weight`, where the judge computes; without those that none came for."""
    attached: list[str]
    """Places of outputs that anything was recorded for."""
    has_own_backward: bool
    """Whether its process says that a derivative in it is the program's own. Who hides one has failed the check."""


def gradient_answer(answer: Message) -> GradientAnswer:
    """Raises Malformed, KeyError, TypeError or ValueError for what no honest process says."""
    output, gradients = parted(answer.body["parcels"], answer.blobs)
    attached = answer.body["attached"]
    if not isinstance(attached, list) or not all(isinstance(item, str) for item in attached):
        raise Malformed("an answer with impossible places")
    found = {leaf.place: leaf.tensor() for leaf in leaves_of(gradients) if leaf.descriptor is not None}
    names = {place: place.removeprefix("output['").removesuffix("']") for place in found}
    gradients = {names[place]: item for place, item in found.items()}
    return GradientAnswer(output, gradients, attached, answer.body["has_own_backward"] is not False)
