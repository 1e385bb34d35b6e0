"""
Inputs that a kernel's contract may leave out, made from the first case: not contiguous, or with values that are not
numbers. How a candidate fares on them is a finding of its row and refuses nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch

from ..tensors import DTYPES, Blob, TensorDescriptor, bytes_of, describe, tensor_of
from ..values import Parcel

_LEAST_NUMBERS: Final = 8

Change = Callable[[torch.Tensor], torch.Tensor | None]


def without_contiguity(inputs: Parcel) -> Parcel | None:
    """Every tensor of two or more dimensions spread over twice its memory; None where there is none."""
    return _changed(inputs, _spread)


def with_special_values(inputs: Parcel) -> Parcel | None:
    """A NaN and both infinities in every tensor of numbers with a fraction; None where there is none."""
    return _changed(inputs, _made_special)


CONTRACTS: Final[dict[str, Callable[[Parcel], Parcel | None]]] = {
    "non-contiguous-inputs": without_contiguity,
    "special-values": with_special_values,
}


def _changed(inputs: Parcel, change: Change) -> Parcel | None:
    pairs = [_changed_one(*pair, change) for pair in zip(inputs.tensors, inputs.blobs, strict=True)]
    if all(pair is None for pair in pairs):
        return None
    known = zip(inputs.tensors, inputs.blobs, strict=True)
    chosen = [old if new is None else new for old, new in zip(known, pairs, strict=True)]
    return replace(inputs, tensors=[item for item, _ in chosen], blobs=[blob for _, blob in chosen])


def _changed_one(descriptor: TensorDescriptor, blob: Blob, change: Change) -> tuple[TensorDescriptor, Blob] | None:
    if 0 in descriptor.shape:
        return None
    tensor = change(tensor_of(descriptor, blob))
    if tensor is None:
        return None
    other = replace(describe(tensor), device=descriptor.device, is_subclass=descriptor.is_subclass)
    return other, bytes_of(tensor, other.span)


def _spread(tensor: torch.Tensor) -> torch.Tensor | None:
    if tensor.dim() < 2 or tensor.shape[-1] == 1 or not tensor.is_contiguous():  # noqa: PLR2004
        return None
    room = torch.zeros((*tensor.shape, 2), dtype=tensor.dtype, device=tensor.device)
    return room[..., 0].copy_(tensor)


def _made_special(tensor: torch.Tensor) -> torch.Tensor | None:
    if (
        not tensor.is_floating_point()
        or tensor.itemsize < DTYPES["float16"].itemsize
        or tensor.numel() < _LEAST_NUMBERS
    ):
        return None
    values = tensor.clone().contiguous()
    for share, value in ((0, torch.nan), (1, torch.inf), (2, -torch.inf)):
        values.view(-1)[share * values.numel() // 3 + 1] = value
    return values
