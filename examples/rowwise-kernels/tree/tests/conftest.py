# SPDX-License-Identifier: MIT
"""Lets the tests run on a machine without a GPU: Triton's interpreter then runs the kernels."""

import os

import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

    from triton.runtime.autotuner import Autotuner

    # There is no device to time configurations on: the first one is as good as any.
    Autotuner.prune_configs = lambda self, kwargs: self.configs[:1]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
