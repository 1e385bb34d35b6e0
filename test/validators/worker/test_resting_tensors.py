"""Tensors that rest in memory that a runner was lent stay as they are, for as long as anything refers to them."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from curate_worker.channel import LEND, PLACE
from curate_worker.gpu_memory import GpuMemory
from curate_worker.judge import lending, runner_handle
from curate_worker.judge.faults import RunnerLost
from curate_worker.judge.opening import open_station
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.tensors import as_bytes, same_bytes
from host_memory import HostMemory
from lending import LARGE, Lending, Memories

_SIZE = 3 * LARGE
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU on this machine")


@pytest.fixture
def memories(lending: Lending) -> Memories:
    """All that was allocated."""
    return lending.memories


@pytest.fixture
def start(lending: Lending) -> Callable[[], RunnerHandle]:
    """Starts a real process that shares memory of the processor with the judge."""
    return lending.start


@pytest.fixture
def runner(start: Callable[[], RunnerHandle]) -> Iterator[RunnerHandle]:
    """A runner whose tensors may rest."""
    with start() as started:
        started.lend_memory(rests=True)
        yield started


def _made(runner: RunnerHandle, *values: int, size: int = _SIZE, rests: bool = True) -> list[torch.Tensor]:
    answer = runner.request("make", {"wanted": [[size, value] for value in values]}, rests=rests)
    return [as_bytes(blob) for blob in answer.blobs]


def _is_all(blob: torch.Tensor, value: int) -> bool:
    return bool((blob == value).all())


# Chunks that the runner has mapped.
def _num_known(runner: RunnerHandle) -> int:
    return runner.request("tell", {}).body["num_known"]


def test_what_rests_stays_as_it_is_while_others_come(runner: RunnerHandle, memories: Memories) -> None:
    first, second = _made(runner, 1, 2)
    (third,) = _made(runner, 3)
    assert [_is_all(blob, value) for blob, value in ((first, 1), (second, 2), (third, 3))] == [True] * 3
    assert len(memories.chunks) == len({blob.data_ptr() for blob in (first, second, third)})
    assert [blob.data_ptr() for blob in (first, second, third)] == [item.bytes.data_ptr() for item in memories.chunks]


def test_the_memory_of_a_tensor_that_is_gone_is_used_again(runner: RunnerHandle, memories: Memories) -> None:
    for value in range(1, 6):
        (blob,) = _made(runner, value)
        assert _is_all(blob, value)
        del blob
    assert len(memories.chunks) == 1
    assert _num_known(runner) == 1


@pytest.mark.parametrize(
    "left",
    [
        lambda blob: blob[5:10],
        lambda blob: blob.view(torch.float64).as_strided((2, 3), (3, 1), 100),
        lambda blob: [blob.numpy()],
        lambda blob: memoryview(blob.numpy()),
        lambda blob: blob.untyped_storage(),
        lambda blob: blob.view(torch.float64).requires_grad_().square().grad_fn,
        lambda blob: torch.nn.Parameter(blob.view(torch.float32)),
    ],
)
def test_memory_is_not_used_again_while_anything_refers_to_it(
    runner: RunnerHandle, memories: Memories, left: Callable[[torch.Tensor], object]
) -> None:
    (blob,) = _made(runner, 1)
    kept = left(blob)
    del blob
    gc.collect()
    (other,) = _made(runner, 2)
    assert _is_all(memories.chunks[0].bytes[:_SIZE], 1)
    assert _is_all(other, 2)
    _, _ = memories.chunks
    del kept, other
    gc.collect()
    _made(runner, 3, 4)
    _, _ = memories.chunks


def test_what_was_begun_in_memory_is_over_when_the_runner_hears_of_it(
    runner: RunnerHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    tell = runner._tell
    monkeypatch.setattr(runner, "_tell", lambda message: seen.append(message.kind) or tell(message))
    monkeypatch.setattr(lending, "settle", lambda _: seen.append("settled"))
    for value in (1, 2):
        _made(runner, value)
    assert seen == ["make", "settled", LEND, PLACE, "make", "settled", PLACE]


@pytest.mark.parametrize("rests", [True, False])
def test_tensors_arrive_the_same_whether_they_rest_or_cross(runner: RunnerHandle, rests: bool) -> None:
    sizes = [5, LARGE - 1, LARGE, _SIZE, 0]
    answer = runner.request("make", {"wanted": [[size, number] for number, size in enumerate(sizes)]}, rests=rests)
    blobs = [as_bytes(blob) if blob.nbytes else torch.empty(0) for blob in answer.blobs]
    assert [blob.numel() for blob in blobs] == sizes
    assert all(_is_all(blob, number) for number, blob in enumerate(blobs))


def test_what_crosses_lies_where_the_runner_cannot_write_later(runner: RunnerHandle) -> None:
    (crossed,) = _made(runner, 1, rests=False)
    runner.request("scribble", {})
    assert _is_all(crossed, 1)


def test_of_one_that_is_judged_nothing_rests(start: Callable[[], RunnerHandle], memories: Memories) -> None:
    with start() as candidate:
        candidate.lend_memory(rests=False)
        (blob,) = _made(candidate, 1)
        candidate.request("scribble", {})
        assert _is_all(blob, 1)
        assert memories.chunks == []


def test_nothing_rests_before_memory_is_lent(start: Callable[[], RunnerHandle], memories: Memories) -> None:
    with start() as started:
        assert _is_all(_made(started, 1)[0], 1)
        assert memories.chunks == []


def test_a_runner_that_cannot_map_it_goes_on_through_the_window(
    runner: RunnerHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    lend, tries = runner._lend, []
    monkeypatch.setattr(runner._resting, "_lend", lambda *given: tries.append(given) or lend(*given))
    runner.request("refuse", {})
    for value in (1, 2):
        assert [_is_all(blob, value) for blob in _made(runner, value, value)] == [True, True]
    assert (len(tries), _num_known(runner)) == (1, 0)


def test_where_there_is_no_memory_tensors_cross_through_the_window(runner: RunnerHandle, memories: Memories) -> None:
    (known,) = _made(runner, 1)
    memories.is_full = True
    others = _made(runner, 2, 3)
    assert [_is_all(blob, value) for blob, value in zip([known, *others], (1, 2, 3), strict=True)] == [True] * 3
    memories.is_full = False
    # Once with what was kept for later, and once without.
    assert memories.num_refused == len(("with", "without"))
    del known
    assert _made(runner, 4)[0].data_ptr() == memories.chunks[0].bytes.data_ptr()
    assert len(memories.chunks) == 1


def test_memory_that_is_much_too_large_is_not_used(runner: RunnerHandle, memories: Memories) -> None:
    _made(runner, 1, size=2 * _SIZE)
    assert _is_all(_made(runner, 2)[0], 2)
    assert [item.bytes.numel() for item in memories.chunks] == [2 * _SIZE, _SIZE]


def test_unused_memory_is_given_back_by_both_ends_and_what_rests_is_not(
    runner: RunnerHandle, memories: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, unused = _made(runner, 1, 2)
    del unused
    runner.leave_room(0)
    assert [item.is_closed for item in memories.chunks] == [False, False]
    monkeypatch.setattr(runner_handle, "MUCH_MEMORY", 1)
    runner.leave_room(0)
    assert [item.is_closed for item in memories.chunks] == [False, True]
    assert _num_known(runner) == 1
    (other,) = _made(runner, 3)
    assert (_is_all(kept, 1), _is_all(other, 3), _num_known(runner)) == (True, True, 2)


def test_as_much_as_a_case_takes_is_not_given_back(
    runner: RunnerHandle, memories: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made(runner, 1, 2)
    monkeypatch.setattr(runner_handle, "MUCH_MEMORY", 1)
    runner.leave_room(2 * _SIZE)
    assert [item.is_closed for item in memories.chunks] == [False, False]
    runner.leave_room(_SIZE)
    assert [item.is_closed for item in memories.chunks] == [True, True]


def test_unused_memory_is_given_back_where_there_is_no_other(
    runner: RunnerHandle, memories: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made(runner, 1, 2)
    allocate, tries = memories.allocate, []

    def first_full(num_bytes: int) -> HostMemory:
        tries.append([item.is_closed for item in memories.chunks])
        if len(tries) == 1:
            raise OSError
        return allocate(num_bytes)

    monkeypatch.setattr(runner._resting, "_allocate", first_full)
    assert _is_all(_made(runner, 3, size=2 * _SIZE)[0], 3)
    assert tries == [[False, False], [True, True]]
    assert _num_known(runner) == 1


def test_what_rests_outlives_its_runner(start: Callable[[], RunnerHandle], memories: Memories) -> None:
    with start() as started:
        started.lend_memory(rests=True)
        kept, unused = _made(started, 1, 2)
        del unused
    assert _is_all(kept, 1)
    assert [item.is_closed for item in memories.made] == [True, False, True]
    del kept
    assert memories.chunks[0].is_closed


def test_memory_of_a_runner_that_was_told_to_end_is_not_kept_for_later(
    runner: RunnerHandle, memories: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, unused = _made(runner, 1, 2)
    del unused
    request, told = runner.request, []
    monkeypatch.setattr(runner, "request", lambda *given: told.append((given, request(*given).body["num_known"])))
    runner.begin_end()
    # Before it has ended, which takes longer.
    assert told == [(("forget", {}), 1)]
    assert [item.is_closed for item in memories.chunks] == [False, True]
    del kept
    assert [item.is_closed for item in memories.chunks] == [True, True]


def test_a_runner_that_does_not_answer_is_told_to_end_all_the_same(
    runner: RunnerHandle, memories: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made(runner, 1)
    monkeypatch.setattr(runner_handle, "_GIVE_BACK_SECONDS", 0.01)
    begun: list[bool] = []
    monkeypatch.setattr(runner._end, "begin", lambda: begun.append(True))
    os.kill(runner.process, signal.SIGSTOP)
    runner.begin_end()
    os.kill(runner.process, signal.SIGCONT)
    assert (begun, memories.chunks[0].is_closed) == ([True], True)


def test_something_else_in_place_of_a_signal_loses_the_runner(runner: RunnerHandle) -> None:
    runner.request("forge", {"instead": "x"})
    with pytest.raises(RunnerLost) as lost:
        _made(runner, 1)
    assert lost.value.kind == "forged"


def test_a_runner_that_leaves_nothing_is_waited_for_until_its_time_is_over(runner: RunnerHandle) -> None:
    runner.request("forge", {"instead": ""})
    runner.allow(1.0)
    with pytest.raises(RunnerLost) as lost:
        _made(runner, 1)
    assert lost.value.kind == "timeout"


@needs_gpu
def test_memory_of_a_gpu_comes_back_when_no_tensor_refers_to_it() -> None:
    memory = GpuMemory.allocate(1 << 20)
    returned: list[bool] = []
    loan = memory.loan(1 << 20, lambda: returned.append(True))
    loan.fill_(7)
    view = loan[100:200].view(torch.int32)
    del loan
    gc.collect()
    assert (returned, _is_all(memory.bytes[: 1 << 20], 7)) == ([], True)
    assert view.data_ptr() == memory.bytes.data_ptr() + 100
    del view
    gc.collect()
    assert returned == [True]
    memory.close()


@needs_gpu
def test_tensors_rest_on_a_gpu_as_they_were_sent(tmp_path: Path) -> None:
    with open_station("cuda", "test", tmp_path, 1) as (station, told):
        assert told["gpu_memory_unshared"] is None
        samples = [torch.randint(0, 256, ((256 << 20) + odd,), dtype=torch.uint8, device="cuda") for odd in (0, 1, 77)]
        with RunnerHandle(station.server, station.room(1 << 30, "cuda"), 120.0) as runner:
            runner.lend_memory(rests=True)
            body = {"device": "cuda", "forbidden": []}
            first = runner.request("probe", body, samples, rests=True).blobs[: len(samples)]
            second = runner.request("probe", body, samples[::-1], rests=True).blobs[: len(samples)]
            places = {blob.data_ptr() for blob in [*first, *second]}
            assert len(places) == len(first) + len(second)
            assert [*map(same_bytes, first, samples), *map(same_bytes, second, samples[::-1])] == [True] * len(places)
            del first
            third = runner.request("probe", body, samples, rests=True).blobs[: len(samples)]
            assert {blob.data_ptr() for blob in third} <= places - {blob.data_ptr() for blob in second}
            assert [*map(same_bytes, third, samples), *map(same_bytes, second, samples[::-1])] == [True] * len(places)
        assert all(map(same_bytes, third, samples))
