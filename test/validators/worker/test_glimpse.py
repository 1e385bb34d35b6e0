"""What is written to an output when a call has returned is seen, however soon it is there."""

from __future__ import annotations

import threading

import pytest
import torch
from curate_worker.effects import Effects
from curate_worker.runner.glimpse import LEAST_BYTES, Glimpse
from curate_worker.runner.program import Program
from curate_worker.values import pack

HOW = {"blocked": False, "poisoned": False, "profiled": False, "changed": Effects(), "patience": 1}


class Writing(torch.nn.Module):
    """Goes on writing when it has returned."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = threading.Event()
        self.threads: list[threading.Thread] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, has_begun = x + 1, threading.Event()

        def write() -> None:
            while not self.is_over.is_set():
                output.add_(1)
                has_begun.set()

        self.threads.append(threading.Thread(target=write))
        self.threads[-1].start()
        # On a busy machine all may be copied before a thread that was started gets a processor.
        has_begun.wait()
        return output


def is_seen_writing() -> bool:
    model = Writing()
    try:
        return is_late(model)
    finally:
        model.is_over.set()
        for thread in model.threads:
            thread.join()


def is_late(model: torch.nn.Module) -> bool:
    program = Program(model, "cpu")
    program.stage(pack([torch.zeros(8 << 20)]), flush=False)
    program.call(**HOW)
    return program.facts(digests=False, keep=False)["is_late"] is True


def test_a_thread_that_goes_on_is_seen() -> None:
    # In one call or another it waits for its turn while all is copied.
    assert any(is_seen_writing() for _ in range(40))


def test_who_is_done_is_not_late() -> None:
    assert not is_late(torch.nn.ReLU())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool])
def test_an_output_is_seen_where_it_has_gaps_and_among_others(dtype: torch.dtype) -> None:
    output = {"small": torch.zeros(3), "large": torch.zeros(LEAST_BYTES, 4, dtype=dtype)[:, ::2].t()}
    glimpse = Glimpse()
    glimpse.take(output)
    assert not glimpse.is_other(pack(output))
    output["small"].fill_(1)
    assert not glimpse.is_other(pack(output))
    output["large"].fill_(1)
    assert glimpse.is_other(pack(output))
