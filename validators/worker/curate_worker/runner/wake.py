"""Makes what a process needs of a GPU before its first call, so that nobody waits for memory meanwhile."""

from __future__ import annotations

import contextlib
import importlib
from types import ModuleType

import torch

from ..digests import digest_of
from ..tensors import Guarded, banded_room, describe
from .gradients import places_with_gradient
from .inputs import gates_among, has_constant_integers, make_inputs
from .memory import have_same_bits

_NUM_BYTES = 1 << 20
# Those that are drawn for outputs of gigabytes.
_DISTRIBUTIONS = (None, "by-row", "peaked")


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
    Guarded(blob).is_intact()
    torch.cuda._sleep(1)
    torch.cuda.synchronize()


def wake_reference(device: str) -> None:
    """The same for what a reference's process does beside calling it: it draws inputs, and computes in float64."""
    wake(device)
    if device == "cpu":
        return
    module = ModuleType("inputs")
    module.get_inputs = lambda: [torch.rand(64, 64), torch.randn(64, 64)]
    for dice in _DISTRIBUTIONS:
        how = {"seed": 0, "dice": dice, "vary": True, "vary_integers": False, "jitter": [], "tame": False}
        inputs = make_inputs(module, device, how)
        places_with_gradient(inputs)
        has_constant_integers(inputs)
        gates_among(inputs)
    inputs[0].to(torch.float64).to(torch.float32).clone()
    torch.cuda.synchronize()


def wake_triton() -> None:
    """Has Triton look at the GPU, as it does before its first launch. What fails here fails there again."""
    with contextlib.suppress(Exception):
        driver = importlib.import_module("triton.runtime.driver").driver.active
        driver.get_current_target()
        _ = driver.utils
