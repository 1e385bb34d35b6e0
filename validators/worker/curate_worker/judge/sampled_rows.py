"""
Some rows of a large call. A reference that treats each row by itself needs to be run in higher precision on some of
them only: all of gigabytes in float64, beside what it computes on the way, is most of what a GPU has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..tensors import Blob, TensorDescriptor, tensor_of
from ..values import Parcel
from .leaves import leaves_of

# Of a billion numbers an eighth tells the error as well: a tolerance follows from a quantile of a million of them.
_SHARE, _LEAST_ROWS = 8, 2
# Kernels take several numbers at once from addresses that are whole cache lines, and what comes before singly: the sums
# of a row of odd length are other ones where it begins elsewhere.
_ALIGNED = 128


@dataclass(frozen=True)
class Rows:
    """Neighbouring rows, in the first dimension of what has `total` of them."""

    total: int
    first: int
    count: int

    def of(self, parcel: Parcel) -> Parcel:
        """These rows of every tensor that has as many, and the other tensors whole; shares their memory."""
        pairs = [self._cut(*pair) for pair in zip(parcel.tensors, parcel.blobs, strict=True)]
        return replace(parcel, tensors=[known for known, _ in pairs], blobs=[blob for _, blob in pairs])

    def _cut(self, known: TensorDescriptor, blob: Blob) -> tuple[TensorDescriptor, Blob]:
        if not self.are_of(known):
            return known, blob
        cut = replace(known, shape=(self.count, *known.shape[1:]))
        start = self.first * known.strides[0] * (known.num_bytes // known.span)
        return cut, blob[start : start + cut.num_bytes]

    def are_of(self, known: TensorDescriptor) -> bool:
        """Whether a tensor has as many rows, with anything in them."""
        return known.shape[:1] == (self.total,) and 0 not in known.shape


def rows_for(inputs: Parcel, output: Parcel, seed: int) -> Rows | None:
    """An eighth of the rows of a call; None where not all of the output has rows, or none of the inputs."""
    totals = {known.shape[:1] for known in output.tensors}
    leaves = leaves_of(output)
    if len(totals) != 1 or any(leaf.descriptor is None for leaf in leaves):
        return None
    total = next(iter(totals.pop()), 0)
    count = total // _SHARE
    first = seed % max(1, total - count)
    rows = Rows(total, first - first % _ALIGNED, count)
    is_cut = count >= _LEAST_ROWS and any(map(rows.are_of, inputs.tensors)) and all(map(rows.are_of, output.tensors))
    return rows if is_cut else None


def have_same_bytes(output: Parcel, other: Parcel) -> bool:
    """Whether two outputs are the same bit by bit, as those of a program are that treats each row by itself."""
    if output.tree != other.tree or len(output.tensors) != len(other.tensors):
        return False
    return all(
        mine.dtype == its.dtype and torch.equal(mine, its)
        for mine, its in zip(_tensors_of(output), _tensors_of(other), strict=True)
    )


def _tensors_of(output: Parcel) -> list[torch.Tensor]:
    return [tensor_of(*pair) for pair in zip(output.tensors, output.blobs, strict=True)]
