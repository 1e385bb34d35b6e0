"""Has a candidate rehearsed: called in the sandbox on a GPU that need not be there, so that Triton compiles for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from ..channel import Message
from .faults import RunnerLost
from .fork_client import ForkServer, Room
from .requests import Candidate, Settings, Task
from .runner_handle import RunnerHandle

_MEMORY_BYTES, _SCRATCH_BYTES, _ANSWER_BYTES = 8 << 30, 1 << 30, 128 << 20
# Of an H100 SXM, but for its capability: what is not known of a GPU somewhere else.
_USUAL: Final = {
    "name": "NVIDIA GPU",
    "multi_processor_count": 132,
    "warp_size": 32,
    "max_threads_per_multi_processor": 2048,
    "max_threads_per_block": 1024,
    "regs_per_multiprocessor": 65536,
    "shared_memory_per_block_optin": 232448,
    "shared_memory_per_multiprocessor": 233472,
    "total_memory": 80 << 30,
    "L2_cache_size": 50 << 20,
}


def properties_of(capability: tuple[int, int]) -> dict:
    """What programs are told of a GPU: of the one in this machine, where there is one, and what is usual otherwise."""
    told = {"major": capability[0], "minor": capability[1]}
    if not torch.cuda.is_available():
        return _USUAL | told
    found = torch.cuda.get_device_properties(0)
    return {name: getattr(found, name, usual) for name, usual in _USUAL.items()} | told


@dataclass(frozen=True)
class Stage:
    """Where candidates are rehearsed."""

    server: ForkServer
    capability: tuple[int, int]
    """Compute capability that kernels are compiled for: of the GPU here, or of others that will run them."""


def rehearse(
    stage: Stage, settings: Settings, task: Task, candidate: Candidate, assembler: str | None = None
) -> Message:
    """
    The process's answer; where it is lost, one of kind `lost`. With an `assembler` calls and kernels are described for
    ptxas of that path, and otherwise Triton's cache is given.
    """
    body = {
        "properties": properties_of(stage.capability),
        "described": assembler is not None,
        "assembler": assembler,
        "files": candidate.files,
        "entry_point": candidate.entry_point,
        "reference": task.reference,
        "workloads": [workload.axes for workload in task.workloads],
    }
    try:
        with RunnerHandle(stage.server, Room(_MEMORY_BYTES, _SCRATCH_BYTES), settings.build_timeout_s) as runner:
            runner.limit_answers(_ANSWER_BYTES)
            return runner.request("rehearse", body)
    except RunnerLost as lost:
        return Message("lost", {"text": str(lost)}, [])
