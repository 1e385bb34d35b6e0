"""What a call cannot do without, and times below which nobody believes a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from curate_worker.judge.evidence import Evidence
from curate_worker.judge.faults import Verdict
from curate_worker.judge.floor import require_possible
from curate_worker.judge.open_reference import opened_reference
from curate_worker.judge.peaks import Peaks, peaks_of
from curate_worker.judge.reference import Reference
from curate_worker.judge.reference_errors import start_reference
from curate_worker.judge.requests import Settings, Task, Workload
from curate_worker.judge.traffic import traffic_of
from curate_worker.runner.arithmetic import count_arithmetic
from curate_worker.runner.needed_inputs import least_share, needed_shares

_A, _B = torch.randn(6, 4), torch.randn(4, 8)
_PRODUCT = 2 * 6 * 4 * 8
_IMAGE, _FILTER = torch.randn(1, 2, 8, 8), torch.randn(3, 2, 3, 3)
_CONVOLUTION = 2 * 3 * 6 * 6 * 2 * 9


@dataclass(frozen=True)
class Counted:
    """A call, and what is to be counted of it."""

    call: Callable[[], object]
    flops: int
    unavoidable: int


_CALLS = {
    "a product": Counted(lambda: _A @ _B, _PRODUCT, _PRODUCT),
    "a product with something after it": Counted(lambda: torch.relu(_A @ _B) + 1, _PRODUCT, _PRODUCT),
    "a product of what was worked out": Counted(lambda: torch.relu(_A) @ _B, _PRODUCT, 0),
    "a product that is summed up": Counted(lambda: (_A @ _B).sum(1), _PRODUCT, 0),
    "two products": Counted(lambda: (_A @ _B) @ _B.T, 2 * _PRODUCT, 0),
    "a product of repeated rows": Counted(lambda: _A[:1].expand(6, 4) @ _B, _PRODUCT, 0),
    "a convolution": Counted(lambda: torch.conv2d(_IMAGE, _FILTER), _CONVOLUTION, _CONVOLUTION // 4),
    "no product": Counted(lambda: torch.relu(_A), 0, 0),
}


@pytest.mark.parametrize("name", _CALLS)
def test_arithmetic_is_counted_and_held_against_nobody_who_can_save_it(name: str) -> None:
    wanted = _CALLS[name]
    told = count_arithmetic(wanted.call, [_A, _B, _IMAGE, _FILTER])
    assert (told["flops"], told["unavoidable"]) == (wanted.flops, wanted.unavoidable)
    assert told["dtype"] == ("float32" if wanted.flops else None)


def test_needed_is_what_changes_a_result() -> None:
    torch.manual_seed(0)
    table, rows = torch.randn(1000, 4), torch.tensor([3, 5])
    full = least_share(12, 12)
    assert needed_shares([_A, _B], lambda: _A @ _B) == [full, full]
    assert needed_shares([_A], lambda: _A.amax(1))[0] > full / 2
    assert needed_shares([table, rows], lambda: table[rows])[0] < full / 2
    assert needed_shares([_A], lambda: _A * 0) == [0.0]
    assert needed_shares([_A], lambda: torch.rand(3)) == [0.0]
    kept = _A.clone()
    needed_shares([_A], _A.sum)
    assert torch.equal(_A, kept)


def test_shares_are_no_larger_than_a_few_looks_can_tell() -> None:
    assert least_share(12, 12) == pytest.approx(0.05 ** (1 / 12))
    assert least_share(0, 12) == 0
    assert 0 < least_share(1, 12) < least_share(6, 12) < 1 / 2


def test_peaks_of_float32_are_those_of_the_fastest_way_that_is_as_exact() -> None:
    told = {"bandwidth": 3350, "float16": 989.5, "tensor_float32": 494.5, "float32": 67}
    assert peaks_of(told) == Peaks(3.35e12, {"float16": 989.5e12, "bfloat16": 989.5e12, "float32": 494.75e12})
    assert peaks_of({**told, "float16": None, "tensor_float32": None, "float32": None}) == Peaks(3.35e12, {})
    assert peaks_of(None) is None


_SOURCE = """import torch


class Model(torch.nn.Module):
    def forward(self, x, table, rows):
        return torch.relu(x) + table[rows].sum()


def get_inputs():
    return [torch.randn(1000), torch.randn(4000, 10), torch.randint(0, 4000, (2,))]


def get_init_inputs():
    return []
"""


@pytest.fixture(scope="module")
def reference(opened: tuple) -> Iterator[Reference]:
    """A reference that reads all of one argument and hardly anything of another, in its process."""
    station, _ = opened
    settings = Settings("screen", 1, 60.0, 1.0, 60.0, 4 << 30, 0)
    task = Task("task", _SOURCE, [Workload("w", {})])
    with start_reference(station, settings, "cpu") as runner:
        yield opened_reference(station, runner, task, task.workloads[0], (settings, "cpu"))


# 4 kB a millisecond: all of `x` takes one, all of the table forty.
_PEAKS = Peaks(4e6, {"float32": 1e9})


def _judged(reference: Reference, latency_ms: float) -> tuple[bool, Evidence]:
    evidence = Evidence("cpu", None, reference_mutates_inputs=False)
    performance = {"latency_ms": latency_ms, **traffic_of(reference)}
    return require_possible(reference, performance, _PEAKS, evidence) is not None, evidence


def test_a_time_that_its_bytes_allow_is_believed_although_not_all_of_them_are_read(reference: Reference) -> None:
    assert traffic_of(reference)["input_bytes"] == 4 * 1000 + 4 * 4000 * 10 + 8 * 2
    for latency_ms in (100, 1.05):
        is_kept, evidence = _judged(reference, latency_ms)
        assert (is_kept, evidence.is_possible) == (True, True)


def test_a_time_that_is_hardly_possible_is_no_figure(reference: Reference) -> None:
    is_kept, evidence = _judged(reference, 0.6)
    assert (is_kept, evidence.is_possible) == (False, False)
    assert "moving" in (evidence.floor or "")


def test_a_time_that_no_device_of_the_kind_can_reach_is_a_lie(reference: Reference) -> None:
    with pytest.raises(Verdict, match="HACK_IMPOSSIBLE") as caught:
        _judged(reference, 0.2)
    assert caught.value.blame == "candidate"
    with pytest.raises(Verdict, match="HACK_IMPOSSIBLE"):
        require_possible(reference, {"latency_ms": 4e-4}, None, Evidence("gpu", None, reference_mutates_inputs=False))
