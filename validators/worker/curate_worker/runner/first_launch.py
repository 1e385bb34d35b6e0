"""What Triton imports when a process launches its first kernel: 50 modules, a tenth of a second in every one."""

from __future__ import annotations

import contextlib
import importlib


def warm_up() -> None:
    """Imports it, for processes that are forked from this one. Another version may import something else."""
    with contextlib.suppress(ImportError):
        importlib.import_module("triton.experimental.gluon.nvidia.hopper")
