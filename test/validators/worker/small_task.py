"""A task that is opened, proved and judged in no time, for tests of what happens around it."""

from __future__ import annotations

from curate_worker.judge.requests import Settings

REFERENCE = """
import time
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) * 2

def get_inputs():
    return [torch.rand(64, 33)]

def get_init_inputs():
    return []

"""
SETTINGS = Settings("screen", 2, 20.0, 0.1, 60.0, 2_000_000_000, 7)
