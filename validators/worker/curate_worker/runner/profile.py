"""
What a call spends its time on: kernels of a GPU by name, as CUPTI tells PyTorch's profiler, and operators of PyTorch on
the processor beside functions of the candidate's own extensions.
"""

from __future__ import annotations

import math
from collections import defaultdict
from contextlib import AbstractContextManager, ExitStack
from typing import Final

import torch
from torch._C._profiler import _ExperimentalConfig
from torch.autograd.profiler import profile
from torch.autograd.profiler_util import FunctionEvent

from ..operator_names import computes

OWN: Final = "curate::own"
"""What calls of extensions are recorded as."""
_END: Final = "curate::end"
_NUMBERS: Final = ("count", "ns", "elements", "flops")
_MOST_NAMES, _MOST_CHARACTERS = 64, 512
_OF_ALL_THREADS: Final = {
    "experimental_config": _ExperimentalConfig(profile_all_threads=True),
    "record_shapes": True,
    "with_flops": True,
}


class Profile(AbstractContextManager):
    """Records while it is entered; slower than usual, so never while something is timed."""

    def __init__(self, device: str) -> None:
        self._is_on_gpu = device == "cuda"
        self._stack = ExitStack()
        self._profile: profile | None = None
        self.was_ended = False
        """Whether the program ended it, and so hid what it did."""

    def __enter__(self) -> Profile:
        # What a thread of the program's own computes is its work as well.
        how = {"use_device": "cuda"} if self._is_on_gpu else _OF_ALL_THREADS
        self._profile = self._stack.enter_context(profile(use_kineto=True, **how))
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_on_gpu:
            torch.cuda.synchronize()
        with torch.autograd.profiler.record_function(_END):
            pass
        self._stack.close()
        events = [] if self._profile is None else self._profile.function_events or []
        # On a GPU nothing at all may be a matter of the driver.
        is_told = bool(events) or not self._is_on_gpu
        self.was_ended = is_told and all(event.name != _END for event in events)

    def work(self) -> list[dict]:
        """By what it is and its name, how often and how long: those that took longest."""
        found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for event in [] if self._profile is None else self._profile.function_events or []:
            is_kernel = event.device_type == torch.autograd.DeviceType.CUDA
            if is_kernel != self._is_on_gpu or event.name == _END:
                continue
            name = str(event.name)
            kind = "kernel" if is_kernel else "own" if name == OWN else "operator"
            microseconds = event.time_range.elapsed_us() if is_kernel else event.self_cpu_time_total
            entry = found[kind, name[:_MOST_CHARACTERS]]
            entry[0] += 1
            entry[1] += max(0, round(microseconds * 1000))
            if not is_kernel and not _asks_others(event):
                entry[2] += _elements_of(event.input_shapes)
                entry[3] += int(event.flops or 0)
        rows = [dict(zip(("kind", "name", *_NUMBERS), (*key, *numbers), strict=True)) for key, numbers in found.items()]
        return sorted(rows, key=lambda row: (-row["ns"], row["name"]))[:_MOST_NAMES]


def _asks_others(event: FunctionEvent) -> bool:
    return any(computes(child.name) or _asks_others(child) for child in event.cpu_children)


def _elements_of(shapes: list | None) -> int:
    return sum(math.prod(shape) for shape in shapes or [] if shape and all(type(size) is int for size in shape))
