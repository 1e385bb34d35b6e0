"""Inputs that a program uses where the judge put them: they are its own to spoil, and nothing else is."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from curate_worker import lent_memory
from curate_worker.effects import Effects
from curate_worker.judge.faults import RunnerLost
from curate_worker.judge.opening import open_station
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.lent_memory import LentMemory
from curate_worker.runner.program import Program
from curate_worker.tensors import inside_bands, same_bytes
from curate_worker.values import pack
from host_memory import HostMemory
from lending import LARGE, Lending, Memories

_SIZE = 3 * LARGE
_NUMBERS = torch.arange(1000, dtype=torch.float32)
_BAND = 4096
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU on this machine")


@pytest.fixture
def memories(lending: Lending) -> Memories:
    """All that was allocated."""
    return lending.memories


@pytest.fixture
def runner(lending: Lending) -> Iterator[RunnerHandle]:
    """A runner of which the inputs lie in place."""
    with lending.start() as started:
        started.lend_memory(rests=False)
        yield started


def _take(runner: RunnerHandle, *values: int, size: int = _SIZE) -> dict:
    return runner.request("take", {}, [torch.full((size,), value, dtype=torch.uint8) for value in values]).body


def _drop(runner: RunnerHandle) -> dict:
    return runner.request("drop", {}).body


def test_inputs_are_used_where_the_judge_put_them(runner: RunnerHandle, memories: Memories) -> None:
    told = _take(runner, 1, 2)
    assert told == {"num_known": 2, "held": [[[1], True], [[2], True]], "in_place": 2}
    assert [item.bytes.numel() for item in memories.chunks] == [_SIZE + 2 * _BAND] * 2


def test_memory_that_the_program_has_let_go_is_used_again(runner: RunnerHandle, memories: Memories) -> None:
    for value in range(1, 5):
        assert _take(runner, value)["held"] == [[[value], True]]
        _drop(runner)
    assert len(memories.chunks) == 1


def test_inputs_that_are_held_stay_as_they_are_and_a_program_that_holds_on_gets_copies(
    runner: RunnerHandle, memories: Memories
) -> None:
    for value in range(1, 5):
        told = _take(runner, value)
    assert told["held"] == [[[value], True] for value in range(1, 5)]
    assert (told["in_place"], len(memories.chunks)) == (2, 2)


@pytest.mark.parametrize("place", [_BAND - 1, _BAND + _SIZE])
def test_a_write_past_either_end_is_seen(runner: RunnerHandle, place: int) -> None:
    _take(runner, 1)
    assert runner.request("write", {"place": place}).body["held"] == [[[1], False]]
    _drop(runner)
    assert _take(runner, 2) == {"num_known": 1, "held": [[[2], True]], "in_place": 1}


def test_what_a_program_does_to_its_inputs_is_done_to_nothing_else(runner: RunnerHandle) -> None:
    sent = torch.full((_SIZE,), 1, dtype=torch.uint8)
    runner.request("take", {}, [sent])
    (output,) = runner.request("make", {"wanted": [[_SIZE, 5]]}).blobs
    assert runner.request("scribble", {}).body["held"] == [[[0xEE], False]]
    assert bool((sent == 1).all())
    assert same_bytes(output, torch.full((_SIZE,), 5, dtype=torch.uint8))


def test_small_inputs_and_those_on_the_processor_are_copied(runner: RunnerHandle, memories: Memories) -> None:
    small, plain = torch.full((LARGE - 1,), 1, dtype=torch.uint8), memoryview(bytes([2]) * _SIZE)
    large = torch.full((_SIZE,), 3, dtype=torch.uint8)
    told = runner.request("take", {}, [small, plain, large]).body
    assert told == {"num_known": 1, "held": [[[1], True], [[2], True], [[3], True]], "in_place": 1}
    assert len(memories.chunks) == 1


@pytest.mark.parametrize("numbers", [[2], [0], [-1], [1, 1], [1, 1 << 70]])
def test_who_lets_go_of_what_it_does_not_have_is_lost(runner: RunnerHandle, numbers: list[int]) -> None:
    _take(runner, 1)
    with pytest.raises(RunnerLost) as lost:
        runner.request("lie", {"numbers": numbers})
    assert lost.value.kind == "forged"


def test_who_says_that_it_let_go_of_what_it_holds_spoils_its_own_inputs(runner: RunnerHandle) -> None:
    first, second = (torch.full((_SIZE,), value, dtype=torch.uint8) for value in (1, 2))
    runner.request("take", {}, [first])
    runner.request("lie", {"numbers": [1]})
    assert runner.request("take", {}, [second]).body["held"] == [[[2], True], [[2], True]]
    pairs = (first, 1), (second, 2)
    assert all(bool((sent == value).all()) for sent, value in pairs)


def test_a_runner_of_which_answers_rest_has_nothing_to_let_go(lending: Lending) -> None:
    with lending.start() as started:
        started.lend_memory(rests=True)
        (kept,) = started.request("make", {"wanted": [[_SIZE, 1]]}, rests=True).blobs
        with pytest.raises(RunnerLost) as lost:
            started.request("lie", {"numbers": [1]})
        assert lost.value.kind == "forged"
        assert bool((kept == 1).all())


def test_no_answer_lies_in_lent_memory(runner: RunnerHandle) -> None:
    with pytest.raises(RunnerLost) as lost:
        runner.request("place", {"wanted": [[_SIZE, 1]]})
    assert lost.value.kind == "forged"


def test_a_runner_that_cannot_map_it_gets_copies(runner: RunnerHandle, memories: Memories) -> None:
    runner.request("refuse", {})
    for _ in range(2):
        assert _take(runner, 1, 2) == {"num_known": 0, "held": [[[1], True], [[2], True]], "in_place": 0}
        _drop(runner)
    assert [item.is_closed for item in memories.chunks] == [True]


def test_where_there_is_no_memory_inputs_are_copied(runner: RunnerHandle, memories: Memories) -> None:
    memories.is_full = True
    assert _take(runner, 1, 2) == {"num_known": 0, "held": [[[1], True], [[2], True]], "in_place": 0}


def test_memory_for_inputs_of_another_size_takes_the_place_of_the_first(
    runner: RunnerHandle, memories: Memories
) -> None:
    _take(runner, 1)
    _drop(runner)
    assert _take(runner, 2, size=3 * _SIZE) == {"num_known": 1, "held": [[[2], True]], "in_place": 1}
    assert [item.is_closed for item in memories.chunks] == [True, False]


def test_the_next_process_is_lent_memory_of_its_own(lending: Lending) -> None:
    for value in (1, 2):
        with lending.start() as started:
            started.lend_memory(rests=False)
            assert _take(started, value) == {"num_known": 1, "held": [[[value], True]], "in_place": 1}
        assert [item.is_closed for item in lending.memories.made] == [True] * 2 * value


def test_nothing_is_asked_of_the_device_after_an_error(runner: RunnerHandle, memories: Memories) -> None:
    _take(runner, 1)
    assert runner.request("drop", {"kind": "error"}).kind == "error"
    _take(runner, 2)
    _, _ = memories.chunks
    runner.request("drop", {})
    _take(runner, 3, 4)
    _, _ = memories.chunks


def test_memory_is_let_go_when_the_device_is_done_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lent = LentMemory(HostMemory.of_descriptor)
    lent.take_in(1, 3 * _BAND, HostMemory.allocate(3 * _BAND).export())
    view = lent.blob(1, _BAND)[5:7]
    assert lent.take_let_go() == []
    del view

    def fail(_: torch.Tensor) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with monkeypatch.context() as patched:
        patched.setattr(lent_memory, "settle", fail)
        assert lent.take_let_go() == []
    assert lent.take_let_go() == [1]
    assert lent.take_let_go() == []


class _Calls:
    """A program in a process that was lent two chunks."""

    def __init__(self, model: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.program = Program(model, "cpu")
        self._lent = LentMemory(HostMemory.of_descriptor)
        self._memories = [HostMemory.allocate(4 * _NUMBERS.numel() + 2 * _BAND) for _ in range(2)]
        for number, memory in enumerate(self._memories):
            self._lent.take_in(number, memory.bytes.numel(), memory.export())

    def call(self, number: int, value: int, *, keep: bool = False, in_place: bool = False) -> tuple[dict, list[int]]:
        """What is told of a call on a value in a chunk, and which chunks were let go then."""
        numbers = _NUMBERS * value
        inside_bands(self._memories[number].bytes).copy_(numbers.view(torch.uint8))
        parcel = replace(pack([numbers]), blobs=[self._lent.blob(number, numbers.nbytes)])
        self.program.stage(parcel, flush=False, is_in_place=in_place)
        del parcel
        how = dict.fromkeys(("blocked", "poisoned", "profiled"), False)
        outputs, _ = self.program.call(**how, changed=Effects(), patience=1)
        assert same_bytes(outputs.blobs[0], pack([2 * numbers]).blobs[0])
        del outputs
        return self.program.facts(digests=True, keep=keep), self._lent.take_let_go()


def test_a_program_lets_go_of_its_inputs_when_all_is_told_of_its_call() -> None:
    calls = _Calls(lambda x: x * 2)
    for number in (0, 1, 0):
        told, let_go = calls.call(number, number + 1)
        assert (told["guarded"], told["overrun"], told["aliases"], let_go) == (True, [], [], [number])


def test_a_program_that_writes_past_the_end_of_its_input_in_place_is_seen() -> None:
    def write(x: torch.Tensor) -> torch.Tensor:
        (ctypes.c_float * (x.numel() + 1)).from_address(x.data_ptr())[x.numel()] = 0.0
        return x * 2

    told, let_go = _Calls(write).call(0, 1)
    assert (told["overrun"], let_go) == ([0], [0])


def test_a_program_that_keeps_its_input_keeps_the_memory() -> None:
    kept: list[torch.Tensor] = []

    def keep(x: torch.Tensor) -> torch.Tensor:
        kept[:] = [x[3:5]]
        return x * 2

    calls = _Calls(keep)
    assert calls.call(0, 1)[1] == []
    assert calls.call(1, 2)[1] == [0]
    assert torch.equal(kept[0], 2 * _NUMBERS[3:5])


def test_a_program_that_writes_into_its_input_and_returns_it_returns_what_it_wrote() -> None:
    told, let_go = _Calls(lambda x: x.mul_(2)).call(0, 1)
    assert (told["aliases"], let_go) == ([[0, 0]], [0])


def test_inputs_that_stay_until_the_next_call_are_written_over_where_they_lie() -> None:
    places: list[int] = []
    calls = _Calls(lambda x: places.append(x.data_ptr()) or x * 2)
    assert calls.call(0, 1, keep=True)[1] == []
    told, let_go = calls.call(1, 2, in_place=True)
    assert (told["guarded"], told["overrun"]) == (True, [])
    assert sorted(let_go) == [0, 1]
    assert len(set(places)) == 1


@needs_gpu
def test_inputs_lie_in_place_on_a_gpu(tmp_path: Path) -> None:
    with open_station("cuda", "test", tmp_path, 1) as (station, told):
        assert told["gpu_memory_unshared"] is None
        samples = [torch.randint(0, 256, ((256 << 20) + odd,), dtype=torch.uint8, device="cuda") for odd in (0, 1, 77)]
        with RunnerHandle(station.server, station.room(1 << 30, "cuda"), 120.0) as runner:
            runner.lend_memory(rests=False)
            for _ in range(3):
                answer = runner.request("probe", {"device": "cuda", "forbidden": []}, samples)
                assert all(map(same_bytes, answer.blobs, samples))
            # Those of the last answer are still to be let go.
            assert runner._lender is not None
            assert runner._lender.num_bytes <= 2 * sum(sample.numel() + (4 << 20) for sample in samples)
