"""Whether a device still computes, by work that was made to fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from curate_worker.judge.faults import MachineFault
from curate_worker.judge.health import require_right


def _work(*findings: object) -> Callable[[], Callable[[], bool | None]]:
    """Work that starts, and is then looked at: each time the next of the findings."""
    left = iter(findings)

    def look() -> bool | None:
        finding = next(left)
        if isinstance(finding, Exception):
            raise finding
        return finding if isinstance(finding, bool) else None

    return lambda: look


def test_work_that_takes_its_time_and_is_right_is_health() -> None:
    require_right(_work(None, None, True), 60)


def test_memory_that_is_given_back_late_is_waited_for() -> None:
    require_right(_work(torch.OutOfMemoryError("full"), torch.OutOfMemoryError("full"), True), 60)


@pytest.mark.parametrize(
    ("finding", "seconds", "says"),
    [
        (False, 60.0, "something else"),
        (None, 0.0, "hangs"),
        (
            RuntimeError("CUDA error: unspecified launch failure\nmore"),
            60.0,
            "^CUDA error: unspecified launch failure$",
        ),
        (torch.OutOfMemoryError("CUDA out of memory"), -1.0, "not given back"),
    ],
)
def test_a_device_that_fails_is_the_machines_failure(finding: object, seconds: float, says: str) -> None:
    with pytest.raises(MachineFault, match=says) as caught:
        require_right(_work(finding, finding), seconds)
    assert caught.value.code == "device_unhealthy"
