"""What PyTorch imports when a process is first asked for gradients: 480 modules, a third of a second in every one."""

from __future__ import annotations

import contextlib
import importlib


def warm_up() -> None:
    """
    Imports it, for processes that are forked from this one. Gradients themselves would start threads where there is a
    GPU, and a process with threads must not fork.
    """
    with contextlib.suppress(ImportError):
        importlib.import_module("torch.fx.experimental.symbolic_shapes")
