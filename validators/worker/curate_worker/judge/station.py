"""What one judge works with: its device, its fork server, its builder and how it describes all that in a row."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from .baseline_cache import BaselineCache
from .builds.builder import Builder
from .builds.triton_kernels import TritonKernels
from .device_lock import DeviceLocks
from .fork_client import ForkServer, Room
from .gpu_meter import GpuMeter
from .peaks import Peaks
from .proofs import ProofStore
from .recordings import Recordings
from .rehearsal import Stage
from .self_timing import SelfTiming

_SCRATCH_BYTES = 512 << 20
# Inputs and outputs of the largest tasks, in the reference and in the judge, take a third; processes end in 0.2 s.
_ENOUGH_TO_BEGIN = 0.4


@dataclass(frozen=True)
class Station:
    """Everything a judge needs to judge; made once."""

    device: str
    """`cuda` or `cpu`."""
    server: ForkServer
    builder: Builder
    baselines: BaselineCache
    proofs: ProofStore
    locks: DeviceLocks
    """Of the processor, and of the GPU where there is one."""
    environments: dict[str, dict]
    """By device: what rows say of it."""
    stage: Stage
    """Where Triton's kernels are compiled without a GPU, and for which."""
    has_triton: bool
    interpreter_does_bfloat16: bool
    triton_cache: dict[str, bytes] = field(default_factory=dict)
    """Files for the cache of every Triton candidate: what Triton would otherwise compile in each of them."""
    triton_identity: str | None = None
    """What Triton knows itself by; None where each process finds that out."""
    peaks: Peaks | None = None
    """Of the GPU; None where nobody knows them."""
    meter: GpuMeter | None = None
    """Of the GPU's clock and temperature; None where nobody can read them."""
    sanitizer: str | None = None
    """Path of compute-sanitizer; None where there is none."""
    shares_gpu: bool = False
    """Whether tensors cross between judge and runners in memory of the GPU."""
    self_timing: SelfTiming = field(init=False)
    """Whether ratios of the device are believed."""
    recordings: Recordings = field(default_factory=Recordings)
    kernels: TritonKernels | None = None
    """Triton's kernels, compiled ahead; None where none runs on a GPU."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "self_timing", SelfTiming(self.device))

    def give_memory_back_early(self) -> None:
        """
        Gives its share of a GPU's memory to others, although processes that have some are still about to end, if those
        who come next find enough for what they begin with.
        """
        free, total = torch.cuda.mem_get_info()
        if free >= _ENOUGH_TO_BEGIN * total:
            self.locks.give_memory_back()

    def room(self, memory_bytes: int, device: str) -> Room:
        """What a runner on a device may use. CUDA reserves address space, so there it cannot be limited."""
        if device == "cuda":
            return Room(None, _SCRATCH_BYTES, self.shares_gpu)
        return Room(memory_bytes, _SCRATCH_BYTES)
