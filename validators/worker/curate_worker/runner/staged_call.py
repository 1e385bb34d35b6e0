"""One call of a program, with what it was given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from ..tensors import Guarded, TensorDescriptor
from ..values import Parcel, rebuild, unpack
from .arguments import arguments_of
from .memory import memory_of
from .poisoned_memory import PoisonedMemory
from .profile import Profile


@dataclass
class StagedCall:
    """One call from the arrival of its inputs to the last question about it."""

    args: list
    kwargs: dict
    tensors: list[torch.Tensor]
    descriptors: list[TensorDescriptor]
    memory: list[tuple[int, int]]
    """Where the inputs lay before the call."""
    guards: list[Guarded]
    """The inputs' memory with its bands; empty where it has none."""
    outputs: list[torch.Tensor] = field(default_factory=list)
    poison: PoisonedMemory | None = None
    """What it had for memory; None for the usual."""
    profile: Profile | None = None

    def takes(self, parcel: Parcel) -> bool:
        """Whether its tensors are as they came, so that others of the same kinds can be written into them."""
        return self.descriptors == parcel.tensors and all(
            memory_of(tensor) == place and tuple(tensor.shape) == known.shape and tensor.stride() == known.strides
            for tensor, place, known in zip(self.tensors, self.memory, self.descriptors, strict=True)
        )

    def renewed(self, parcel: Parcel, device: str) -> StagedCall:
        """A call on other inputs in the same tensors, as in a loader's buffer: they are of no other version then."""
        _, others = unpack(parcel, device)
        with torch.no_grad():
            for kept, other, known in zip(self.tensors, others, self.descriptors, strict=True):
                tensor = kept.data
                # The elements of an expanded tensor share their memory, which PyTorch does not write to as such.
                is_shared = 0 in known.strides
                mine, theirs = (_row(tensor, known), _row(other, known)) if is_shared else (tensor, other)
                mine.copy_(theirs)
        args, kwargs = arguments_of(rebuild(parcel.tree, self.tensors.__getitem__, device))
        return replace(self, args=args, kwargs=kwargs, outputs=[], poison=None, profile=None)


# All memory that it touches, as one row.
def _row(tensor: torch.Tensor, known: TensorDescriptor) -> torch.Tensor:
    return tensor.as_strided((known.span,), (1,), tensor.storage_offset())
