"""Calls a candidate as its judge will, without a GPU and without numbers: which kernels it launches, on what memory."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch.utils._pytree import tree_map

from ..arguments import arguments_of
from ..inputs import shaped_inputs
from ..modules import load_reference
from .host_work import Allocated, HostWork, storage_of
from .pretended_gpu import move_model, put_there, without_memory
from .triton_recorder import RecordedLaunch, TritonRecorder

_WHOLE: Final = {"type": "none"}


@dataclass
class Rehearsed:
    """One call."""

    inputs: dict[str, object]
    state: dict[str, torch.Tensor]
    """Parameters and buffers by name."""
    allocated: list[Allocated]
    operation: str | None
    """The first thing that PyTorch computed in it."""
    launches: list[RecordedLaunch]
    output: object

    def facts(self) -> dict:
        """The same as JSON. Memory is named by a number; a tensor that is no whole memory has none."""
        known = {storage_of(item): number for number, item in enumerate(self._tensors())}
        return {
            "inputs": [{**_value_facts(item, known), "name": name} for name, item in self.inputs.items()],
            "state": {name: _value_facts(item, known) for name, item in self.state.items()},
            "allocated": [{**_value_facts(item.tensor, known), "fill": item.fill} for item in self.allocated],
            "operation": self.operation,
            "launches": [_launch_facts(item, known) for item in self.launches],
            "is_one": isinstance(self.output, torch.Tensor),
            "outputs": [_value_facts(item, known) for item in _listed(self.output)],
        }

    def _tensors(self) -> list[torch.Tensor]:
        given = [item for item in self.inputs.values() if isinstance(item, torch.Tensor)]
        return [*given, *self.state.values(), *(item.tensor for item in self.allocated)]


def rehearse(entry: type, folder: Path, source: str, axes: dict[str, str], recorder: TritonRecorder) -> Rehearsed:
    """One call of a candidate for one workload of a reference. Raises whatever stands in the way."""
    module = load_reference(folder, source, axes, "cpu")
    init, init_names = arguments_of(module.get_init_inputs())
    shapes = shaped_inputs(module)
    first = len(recorder.launches)
    with without_memory():
        model = entry(*init, **init_names)
        if isinstance(model, torch.nn.Module):
            move_model(model)
        args, kwargs = arguments_of(tree_map(lambda item: put_there(item) if torch.is_tensor(item) else item, shapes))

        def is_launched_on(place: int) -> bool:
            return any(storage_of(item) == place for launch in recorder.launches[first:] for item in tensors_of(launch))

        with HostWork(is_launched_on) as host:
            output = model(*args, **kwargs)
    state = model.state_dict(keep_vars=True) if isinstance(model, torch.nn.Module) else {}
    names = [name for name in _names_of(model) if name not in kwargs]
    given = dict(zip([*names, *(f"input_{place}" for place in range(len(names), len(args)))], args, strict=False))
    return Rehearsed(given | kwargs, state, host.allocated, host.operation, recorder.launches[first:], output)


# What `forward` calls its arguments.
def _names_of(model: object) -> list[str]:
    call = model.forward if isinstance(model, torch.nn.Module) else model
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, item in inspect.signature(call).parameters.items() if item.kind in kinds]


def tensors_of(launch: RecordedLaunch) -> list[torch.Tensor]:
    """What a kernel was given the address of."""
    return [item for item in launch.arguments.values() if isinstance(item, torch.Tensor)]


def kernel_facts(kernel: object) -> dict:
    """What a launch needs to know of a compiled kernel, and its text for ptxas."""
    metadata = kernel.metadata
    wanted = ("num_warps", "num_ctas", "shared", "global_scratch_size", "profile_scratch_size")
    told = {name: int(getattr(metadata, name, 0)) for name in wanted}
    special = [name for name in ("launch_cooperative_grid", "launch_pdl") if getattr(metadata, name, False)]
    return {
        **told,
        "name": str(metadata.name),
        "special": special,
        "fuses": bool(getattr(metadata, "enable_fp_fusion", True)),
        "signature": {name: str(kind) for name, kind in kernel.src.signature.items()},
        "constants": [str(key) for key in sorted(map(str, kernel.src.constants))],
        "ptx": kernel.asm["ptx"],
    }


def _launch_facts(launch: RecordedLaunch, known: dict[int, int]) -> dict:
    return {
        "kernel": launch.kernel.hash,
        "grid": [item if type(item) is int else None for item in launch.grid],
        "arguments": {name: _value_facts(item, known) for name, item in launch.arguments.items()},
    }


def _value_facts(item: object, known: dict[int, int]) -> dict:
    if isinstance(item, torch.Tensor):
        is_whole = item.storage_offset() == 0
        return {
            "memory": known.get(storage_of(item)) if is_whole else None,
            "shape": list(item.shape),
            "dtype": str(item.dtype).removeprefix("torch."),
            "is_contiguous": item.is_contiguous(),
        }
    if isinstance(item, (bool, int, float)):
        return {"number": item}
    return _WHOLE


def _listed(output: object) -> Sequence[object]:
    return [output] if isinstance(output, torch.Tensor) else output if isinstance(output, (list, tuple)) else [None]
