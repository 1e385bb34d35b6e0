"""The state of one runner between messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import torch

from ..allocator import MUCH_MEMORY, unused_bytes
from ..channel import Message
from ..tensors import copy_of
from ..turnstile import Turnstile
from ..values import Parcel, parcel_of
from .answers import Answer
from .errors import FaultInInput
from .extensions import Extensions
from .gates import Gates
from .given_memory import GivenMemory
from .mutants import Origin
from .own_functions import OwnFunctions
from .program import Program
from .triton_launches import LaunchCounter


@dataclass(frozen=True)
class OpenReference:
    """A reference with the values of one workload."""

    module: ModuleType
    model: object
    program: Program
    origin: Origin
    gates: Gates
    """Parameters that tell more when they are drawn in other sizes."""


@dataclass
class Runner:
    """The state of one runner: one candidate, or a reference with several workloads."""

    scratch: Path
    turnstile: Turnstile | None = None
    """Where others wait for the GPU."""
    device: str = "cpu"
    entry: type | None = None
    launched: GivenMemory | None = None
    """Of a candidate that is a launch plan, its kernels."""
    library: Path | None = None
    """Of a native candidate, with the name of its launcher."""
    symbol: str = ""
    program: Program | None = None
    """Of a candidate."""
    own: OwnFunctions | None = None
    """What this process was made of before a candidate was loaded."""
    references: dict[str, OpenReference] = field(default_factory=dict)
    """By workload."""
    kept: Parcel | None = None
    """The inputs that were made last; None where they are on the GPU and can be sent again in no time."""
    may_give_back: bool = False
    """Whether no timed call is to find the memory that PyTorch keeps for it."""
    when_answered: Callable[[], None] | None = None
    """What is left to do when the present message was answered."""
    launches: LaunchCounter = field(default_factory=LaunchCounter)
    extensions: Extensions = field(init=False)

    def __post_init__(self) -> None:
        self.extensions = Extensions(self.scratch)

    def bound(self, message: Message) -> Program:
        """The program that a message is for; the judge never calls before it has bound one."""
        if "workload" in message.body:
            return self.reference(message).program
        if self.program is None:
            raise FaultInInput("INIT_ERROR", "no model was made")
        return self.program

    def reference(self, message: Message) -> OpenReference:
        """The reference that a message is for."""
        known = self.references.get(message.body["workload"])
        if known is None:
            raise FaultInInput("REF_INVALID", "no reference was loaded")
        return known

    def settle(self) -> None:
        """Does what is left to do when a message was answered."""
        if self.when_answered is not None:
            self.when_answered()
            self.when_answered = None
        self.give_back()

    def give_back(self) -> None:
        """Gives gigabytes that PyTorch keeps for later to others on the GPU."""
        if self.may_give_back and unused_bytes() > MUCH_MEMORY:
            torch.cuda.empty_cache()

    def give_all_back(self) -> None:
        """Gives back all that PyTorch keeps for later."""
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def held(self, message: Message) -> Parcel | None:
        """The inputs that were kept on a GPU, themselves: of a program that is known to leave them as they are."""
        is_asked_for = message.body["parcel"] is None and self.kept is not None and self.kept.stays_on_gpu
        return self.kept if is_asked_for else None

    def inputs(self, message: Message) -> Parcel:
        """The inputs that come with a message, or those that were kept."""
        if message.body.get("forgets_inputs") is True:
            self.kept = None
        if message.body["parcel"] is not None:
            return parcel_of(message.body["parcel"], message.blobs)
        if self.kept is None:
            raise FaultInInput("REF_INVALID", "no inputs were made")
        # A copy: the reference may write into its inputs.
        return replace(self.kept, blobs=[copy_of(blob) for blob in self.kept.blobs])


Handler = Callable[[Runner, Message], Answer]
"""What answers one kind of message."""
