"""
What a program leaves in place to be called when nobody calls it: it could compute while its inputs arrive, or change
what is done between calls. Seen from its own process, so native code can hide it; what times say shows there.
"""

from __future__ import annotations

import faulthandler
import gc
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
import torch.library
from torch.overrides import _get_current_function_mode_stack
from torch.utils._device import DeviceContext
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

_MONITORING_TOOLS: Final = 6
_TIMERS: Final = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
# What is used on inputs, outputs and the caches beside calls.
_OWN_OPERATORS: Final = frozenset(
    {"add_", "as_strided", "view", "detach", "alias", "clone", "copy_", "fill_", "empty", "_to_copy", "equal"}
)
_REPLACED_KEYS: Final = frozenset({"CPU", "CUDA", "AutogradCPU", "AutogradCUDA"})
# Those that libraries add when they are imported say nothing of the program.
_LIBRARIES: Final = ("torch", "triton", "jax", "numba", "cupy")

# Whoever answers to them can compute when memory is read: an output, when it is sent.
_FAULTS: Final = (signal.SIGSEGV, signal.SIGBUS)


def _caught_faults() -> int:
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return 0 if caught is None else int(caught[1], 16) & sum(1 << (fault - 1) for fault in _FAULTS)


_caught_before = _caught_faults()
_before = set(getattr(torch.library, "_impls", ()))
_known_callbacks = list(gc.callbacks)
_get_profile, _get_trace, _get_timer = sys.getprofile, sys.gettrace, signal.getitimer


def left_hooks() -> list[str]:
    """Names of them, as they are now; a default device is none."""
    return sorted(set(_hooks()))


def _hooks() -> Iterator[str]:
    if _get_profile() is not None or _get_trace() is not None:
        yield "a function that is called with every function"
    # From Python 3.12 on.
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None and any(monitoring.get_tool(tool) for tool in range(_MONITORING_TOOLS)):
        yield "a tool that monitors every function"
    if any(not isinstance(mode, DeviceContext) for mode in _get_current_function_mode_stack()):
        yield "a mode for functions of PyTorch"
    if _get_current_dispatch_mode_stack():
        yield "a mode for operators of PyTorch"
    if any(_get_timer(timer) != (0.0, 0.0) for timer in _TIMERS):
        yield "a timer"
    if any(callback not in _known_callbacks and not _is_library(callback) for callback in gc.callbacks):
        yield "a callback of the garbage collector"
    # On a GPU its driver is in the process, and Python has a handler that says where a process ended.
    if not torch.cuda.is_initialized() and not faulthandler.is_enabled() and _caught_faults() & ~_caught_before:
        yield "a handler of faults of memory"
    if any(_replaces_own(name) for name in getattr(torch.library, "_impls", ()) if name not in _before):
        yield "an operator of PyTorch of its own"


def _is_library(callback: object) -> bool:
    return str(getattr(callback, "__module__", "")).partition(".")[0] in _LIBRARIES


# "aten/add_.Tensor/CPU"
def _replaces_own(name: str) -> bool:
    parts = name.split("/")
    is_whole = len(parts) == 3  # noqa: PLR2004
    return (
        is_whole and parts[0] == "aten" and parts[1].partition(".")[0] in _OWN_OPERATORS and parts[2] in _REPLACED_KEYS
    )
