"""Makes what a process needs of a GPU before its first call, so that nobody waits for memory meanwhile."""

from __future__ import annotations

import contextlib
import importlib

import torch

from ..digests import digest_of
from ..tensors import banded_room, describe
from .memory import have_same_bits

_NUM_BYTES = 1 << 20


def wake(device: str) -> None:
    """
    Makes the context, and has PyTorch load the kernels that calls are surrounded by, which takes it a quarter of a
    second. Does nothing on the processor.
    """
    if device == "cpu":
        return
    drawn = torch.rand(_NUM_BYTES // 4, device=device)
    blob = banded_room(_NUM_BYTES, drawn.device)
    blob.copy_(drawn.view(torch.uint8))
    digest_of(describe(drawn), blob)
    have_same_bits(drawn, drawn)
    torch.cuda._sleep(1)
    torch.cuda.synchronize()


def wake_triton() -> None:
    """Has Triton look at the GPU, as it does before its first launch. What fails here fails there again."""
    with contextlib.suppress(Exception):
        driver = importlib.import_module("triton.runtime.driver").driver.active
        driver.get_current_target()
        _ = driver.utils
