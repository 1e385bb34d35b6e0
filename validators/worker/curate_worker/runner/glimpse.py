"""
Numbers of an output as they were at the moment a call returned. To copy all of it takes a while, in which a thread of
the program could still write what is copied next; it does not know which numbers were looked at before.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import numpy as np
import torch

from ..containers import tensors_in
from ..plain_reading import bytes_from, layout_of, on_processor, plain_of, reading
from ..tensors import NotTransferable, describe
from ..values import Parcel

LEAST_BYTES: Final = 1 << 18
"""What is smaller is copied before a thread has written much."""
_NUM_PLACES: Final = 64
# Bound before any program is loaded. Nobody knows what comes of it, as of no generator that has a state.
_random_bytes: Final[Callable[[int], bytes]] = os.urandom


class Glimpse:
    """A look at large outputs on the processor; what lies on a GPU is waited for instead."""

    def __init__(self) -> None:
        # Drawn before the call: every microsecond after it is one in which more is written.
        self._dice = np.frombuffer(_random_bytes(8 * _NUM_PLACES), dtype=np.uint64)
        self._seen: list[tuple[int, np.ndarray, np.ndarray]] = []

    def take(self, output: object) -> None:
        """Looks at what a call returned."""
        with reading():
            for number, tensor in enumerate(tensors_in(output)):
                flat = _bytes_of(tensor)
                if flat is not None:
                    places = self._dice % len(flat)
                    self._seen.append((number, places, flat[places]))

    def is_other(self, parcel: Parcel) -> bool:
        """Whether any of the numbers that were seen is another one in the copy."""
        return any(
            not np.array_equal(np.frombuffer(parcel.blobs[number], dtype=np.uint8)[places], values)
            for number, places, values in self._seen
        )


def _bytes_of(tensor: torch.Tensor) -> np.ndarray | None:
    try:
        plain, _ = plain_of(tensor)
        found = describe(plain) if layout_of(plain).device == "cpu" else None
    except (NotTransferable, RuntimeError):
        return None
    is_large = found is not None and found.num_bytes >= LEAST_BYTES
    return on_processor(bytes_from(plain, found.span)) if is_large else None
