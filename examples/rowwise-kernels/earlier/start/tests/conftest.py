# SPDX-License-Identifier: MIT
"""Lets the tests run on a machine without a GPU: Triton's interpreter then runs the kernels."""

import os

import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
