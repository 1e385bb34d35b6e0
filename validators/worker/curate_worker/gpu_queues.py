"""
How many queues of a GPU a process has. The driver sets up eight for each context, which is most of what making one
takes: 0.85 s with eight on a busy H100, 0.32 with one (bench/results/2026-11-22-h100.md). Whoever uses one stream at a
time needs one, and is neither faster nor slower with more.
https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#cuda-environment-variables
"""

from __future__ import annotations

import os
import re
from typing import Final

_VARIABLE: Final = "CUDA_DEVICE_MAX_CONNECTIONS"
# What makes streams, and what may have several of its own: graphs, recurrent layers of cuDNN, whatever is compiled.
_MAY_USE_SEVERAL: Final = re.compile(
    r"Stream|graph|\b\w*(?:RNN|LSTM|GRU)|cudnn|compile|import_module|__import__|ctypes|exec\(|eval\(", re.IGNORECASE
)


def take_one_queue() -> None:
    """For a process that uses one stream; before it has anything to do with a GPU."""
    os.environ[_VARIABLE] = "1"


def take_one_queue_for(text: str) -> None:
    """The same, where nothing in the text of a program speaks of more than one stream."""
    if not _MAY_USE_SEVERAL.search(text):
        take_one_queue()
