"""Has a judge load what it judges gigabytes on a GPU with, which takes it half a second, before it waits for memory."""

from __future__ import annotations

import contextlib
from functools import cache

import torch

from ..values import pack
from .compare import compare
from .expected import expect
from .faults import Verdict
from .null_kernels import passing_null_kernel
from .one_pass import LEAST_NUMBERS, compile_ahead
from .quick_digests import digests_of

_ROWS = 64


@cache
def get_ready() -> None:
    """Judges a few numbers, once per process. What fails here fails there again."""
    compile_ahead()
    with contextlib.suppress(Verdict, RuntimeError):
        _judge_once()
        torch.cuda.empty_cache()


# As many as gigabytes are looked at alike.
def _judge_once() -> None:
    inputs, output = torch.rand(2, _ROWS, LEAST_NUMBERS // _ROWS, device="cuda")
    given, own = pack([inputs]), pack(output)
    expected = expect(own, pack(output.to(torch.float64)), given.tensors)
    compare(own, expected)
    passing_null_kernel([(given, expected)])
    digests_of(given)
