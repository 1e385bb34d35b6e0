"""A program's output as a flat list of leaves, each with its place, so that two outputs can be laid side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from ..effects import STATE
from ..tensors import Blob, Device, TensorDescriptor, moved, tensor_of
from ..values import Parcel

Number = bool | int | float | complex | str | None


@dataclass
class _Computing:
    device: Device = "cpu"


_computing = _Computing()


def compute_on(device: Device) -> None:
    """
    Says where the judge computes. On a GPU comparing takes a hundredth of the time, and the judge's process never forks
    and never runs a stranger's code.
    """
    _computing.device = device


@dataclass(frozen=True)
class Leaf:
    """One tensor or one plain value of an output."""

    place: str
    descriptor: TensorDescriptor | None
    """None for plain values."""
    blob: Blob | None
    plain: Number = None
    _moved: list[torch.Tensor] = field(default_factory=list, compare=False, repr=False)

    def tensor(self) -> torch.Tensor:
        """The values, where the judge computes; a plain number as a tensor of no dimensions."""
        if self.descriptor is not None and self.blob is not None:
            if not self._moved:
                self._moved.append(moved(tensor_of(self.descriptor, self.blob), _computing.device))
            return self._moved[0]
        dtype = torch.float64 if isinstance(self.plain, float) else None
        return torch.tensor(self.plain, dtype=dtype, device=_computing.device)

    @property
    def is_state(self) -> bool:
        """Whether it is a parameter or buffer that a program writes into, and nothing that it returns."""
        return self.place.startswith(f"output[{STATE!r}]")

    def forget(self) -> None:
        """Gives back the memory of a copy that was moved."""
        self._moved.clear()

    def is_number(self) -> bool:
        """Whether it is a plain value with a numeric type that has rounding."""
        return self.descriptor is None and isinstance(self.plain, float)


def tells(leaf: Leaf) -> bool:
    """Whether it is a tensor or a number: of names, and of what is missing, nothing is computed."""
    return leaf.descriptor is not None or type(leaf.plain) in {bool, int, float, complex}


def have_same_numbers(first: Sequence[Leaf], second: Sequence[Leaf]) -> bool:
    """Whether two outputs of one structure are the same."""
    return all(
        torch.equal(mine.tensor(), other.tensor()) if mine.descriptor is not None else mine.plain == other.plain
        for mine, other in zip(first, second, strict=True)
    )


def leaves_of(parcel: Parcel) -> list[Leaf]:
    """The leaves in order; lists and tuples count as the same, and so do dictionaries and objects with fields."""
    return list(_walk(parcel.tree, "output", parcel))


def _walk(tree: object, place: str, parcel: Parcel) -> Iterator[Leaf]:
    if isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _walk(item, f"{place}[{index}]", parcel)
        if not tree:
            yield Leaf(f"{place}[]", None, None)
    elif not isinstance(tree, dict):
        yield Leaf(place, None, None, tree)
    elif tree["$"] == "tensor":
        index = tree["v"]
        yield Leaf(place, parcel.tensors[index], parcel.blobs[index])
    elif tree["$"] == "tuple":
        yield from _walk(tree["v"], place, parcel)
    elif tree["$"] in ("dict", "fields"):
        for key, item in sorted(tree["v"], key=lambda pair: str(pair[0])):
            yield from _walk(item, f"{place}[{key!r}]", parcel)
    elif tree["$"] == "float":
        yield Leaf(place, None, None, float(tree["v"]))
    else:
        yield Leaf(place, None, None, str(tree["v"]))
