"""Other parameters than a task's own, of the same signs and sizes: what training does to them between two calls."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

import torch

from ..order import in_order_of
from ..tensors import DTYPES, Blob, TensorDescriptor, bytes_of, has_fraction, tensor_of
from ..values import Parcel

_SHARE: Final = 0.5


def with_parameters_moved(state: Parcel, parameters: list[str], seed: int) -> Parcel | None:
    """
    The same state with every number of its parameters up to half larger or smaller, and in order where they stood so;
    None where there are none.
    """
    places = {
        item["v"]
        for name, item in (state.tree["v"] if isinstance(state.tree, dict) else [])
        if name in parameters and isinstance(item, dict) and item["$"] == "tensor" and _can_be(state.tensors[item["v"]])
    }
    if not places:
        return None
    pairs = zip(state.tensors, state.blobs, strict=True)
    return replace(
        state, blobs=[_moved(*pair, seed) if place in places else pair[1] for place, pair in enumerate(pairs)]
    )


def _can_be(item: TensorDescriptor) -> bool:
    return has_fraction(DTYPES[item.dtype]) and item.span > 0


# Equal ones stay equal: a weight that two layers share is in a state twice.
def _moved(descriptor: TensorDescriptor, blob: Blob, seed: int) -> Blob:
    tensor = tensor_of(descriptor, blob)
    text = f"{seed} {tensor.flatten()[:16].tolist()} {tensor.numel()}"
    # Where the parameters are: a processor draws those of one product for a second, and a GPU waits for it.
    dice = torch.Generator(tensor.device).manual_seed(zlib.crc32(text.encode()))
    noise = torch.rand(tensor.shape, generator=dice, device=tensor.device).to(tensor.dtype)
    other = tensor.new_empty(descriptor.span).as_strided(descriptor.shape, descriptor.strides)
    other.copy_(in_order_of(tensor, tensor * (1 + _SHARE * (2 * noise - 1))))
    return bytes_of(other, descriptor.span)
