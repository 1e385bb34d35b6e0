"""Opens the reference of a workload and proves it fit to judge by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch

from ..channel import Message
from ..window import WIDE_WINDOW_BYTES
from .cases import MAX_CACHED_BYTES
from .faults import RunnerLost, Verdict
from .ready import get_ready
from .reference import TIMES_CASE, Reference
from .reference_errors import ask_reference, names_in, number_in, parcel_in, start_reference, texts_in
from .requests import Settings, Task, Workload
from .runner_handle import RunnerHandle
from .seeds import derive_seed
from .station import Station

# What judge, reference, mutant and candidate hold of inputs and of parameters, in float64 as well, and what computing
# on them takes; seen on an H100 with inputs of 256 MiB. What needs less than `_MUCH_MEMORY` fits beside others anyway:
# five such tasks, beside one of 6 GiB that takes 49 of 79.
_TIMES_INPUTS, _TIMES_STATE = 30, 10
# Of inputs beyond that one case is kept, and the oracle is mostly run on some of its rows: 6 GiB take 49.
_MOST_KEPT, _TIMES_MORE = 1 << 30, 4
_MUCH_MEMORY = 4 << 30
# Of a GPU: tasks of 8.6 GB were seen to take 62 of 79, and must not miss what a context takes.
_MUCH_ROOM = 0.6


class Beside(Protocol):
    """The program that is to be judged: its process can be made ready while others wait for something else."""

    @property
    def was_started(self) -> bool:
        """Whether there is a process, or was one."""

    def close(self) -> None:
        """Ends the process."""

    def begin_start(self) -> None:
        """Begins to start its process; what goes wrong here does so again."""

    def finish_start(self) -> None:
        """Waits until what was begun is done."""

    def start_ahead(self) -> None:
        """Starts its process, unless it runs; what goes wrong here does so again."""


@dataclass(frozen=True)
class Opening:
    """What is opened, and how."""

    task: Task
    workload: Workload
    settings: Settings
    device: str
    is_tame: bool = False
    """Whether nothing is drawn below zero that the task draws from zero to one."""
    beside: Beside | None = None
    """What is started while a reference for a GPU is opened, and before much memory is waited for."""


def open_reference(station: Station, runner: RunnerHandle, opening: Opening) -> Reference:
    """Opens the reference of a workload in a process and proves it fit to judge by. Raises a Verdict on the task."""
    task, workload, settings, device = opening.task, opening.workload, opening.settings, opening.device
    make_room = None if device == "cpu" else partial(_make_room, station, opening)
    beside = None if device == "cpu" or not _has_much_room() else opening.beside
    reference = opened_reference(
        station, runner, task, workload, (settings, device), make_room=make_room, beside=beside
    )
    reference.is_tame = opening.is_tame
    if device != "cpu":
        _take_memory(station, reference, opening)
    _prove(station, reference)
    # Starting a process costs as much as all of a small reference, so the first workload speaks for the others. Beside
    # a large one there is no room.
    tries = not reference.is_large and not reference.is_stochastic
    if tries and (settings.mode == "certify" or workload == task.workloads[0]):
        message = Message("open_reference", _opening(task, workload, (settings, device)))
        reference.try_mutants(lambda: start_reference(station, settings, device), message)
    station.locks.give_way()
    return reference


# What was found out of a task with gigabytes is small, and finding it out takes seconds of a GPU that others wait for.
def _prove(station: Station, reference: Reference) -> None:
    environment = station.environments[reference.device]
    place = station.proofs.place_of(reference, environment, is_tame=reference.is_tame)
    known = station.proofs.read(place)
    if known is not None:
        reference.recall(known)
        return
    reference.prove()
    if reference.spares_oracle:
        station.proofs.write(place, reference.proof())


def opened_reference(  # noqa: PLR0913
    station: Station,
    runner: RunnerHandle,
    task: Task,
    workload: Workload,
    how: tuple[Settings, str],
    *,
    make_room: Callable[[int], None] | None = None,
    beside: Beside | None = None,
    is_compiled: bool = False,
) -> Reference:
    """
    The reference of a workload with its model made, and nothing of it proved. `make_room` waits for the memory of a
    GPU, given the bytes of a large model; `beside` is started meanwhile; one that is to be compiled may use more
    streams than its text says.
    """
    settings, device = how
    body = _opening(task, workload, how) | {"is_compiled": is_compiled}

    def ask(message: Message, *wanted: str) -> Message:
        with station.locks.long_step():
            runner.allow(settings.timeout_s)
            try:
                return ask_reference(runner, message, *wanted, meanwhile=partial(_begin_beside, beside, device))
            finally:
                # Before anybody else may have the device.
                if beside is not None:
                    beside.finish_start()

    asks_for_room = body | {"asks_for_room": make_room is not None}
    answer = ask(Message("open_reference", asks_for_room), "opened", "room_needed")
    if answer.kind == "room_needed" and make_room is not None:
        make_room(_TIMES_STATE * number_in(answer, "num_bytes"))
        answer = ask(Message("open_reference", body), "opened")
    init, state = parcel_in(answer, "init"), parcel_in(answer, "state")
    made = {"init": init, "state": state, "parameters": texts_in(answer, "parameters")}
    made["shared_parameters"] = names_in(answer, "shared")
    return Reference(task, workload, settings, device, runner, station.locks.give_way, **made)


# Its context takes half a gigabyte, and later there is as much time for it: memory is waited for.
def _has_much_room() -> bool:
    free, total = torch.cuda.mem_get_info()
    return free > _MUCH_ROOM * total


def _begin_beside(beside: Beside | None, device: str) -> None:
    if beside is None:
        return
    beside.begin_start()
    if device != "cpu":
        get_ready()


def _opening(task: Task, workload: Workload, how: tuple[Settings, str]) -> dict:
    settings, device = how
    seed = derive_seed(settings.seed, task.id, workload.id, "model")
    known = {"workload": workload.id, "source": task.reference, "axes": workload.axes}
    return {**known, "device": device, "seed": seed}


def input_bytes(runner: RunnerHandle, workload: Workload) -> int:
    """Bytes of the inputs, as far as that can be found out without making them."""
    measured = ask_reference(runner, Message("measure_inputs", {"workload": workload.id}), "measured")
    size = measured.body.get("num_bytes")
    return size if type(size) is int else 0


def _take_memory(station: Station, reference: Reference, opening: Opening) -> None:
    runner = reference.runner
    with station.locks.off_gpu():
        size = input_bytes(runner, opening.workload)
    num_bytes = _TIMES_INPUTS * min(size, _MOST_KEPT) + _TIMES_MORE * max(0, size - _MOST_KEPT)
    num_bytes += _TIMES_STATE * reference.state.num_bytes
    if num_bytes <= _MUCH_MEMORY:
        return
    # Most outputs are as large as inputs. What hardly fits as often as calls take it has no room beside others.
    total = torch.cuda.mem_get_info()[1]
    hardly_fits = TIMES_CASE * 2 * size > total
    _make_room(station, opening, total if hardly_fits else num_bytes)
    if size <= MAX_CACHED_BYTES:
        return
    try:
        runner.widen(WIDE_WINDOW_BYTES)
    except RunnerLost as lost:
        raise Verdict("INVALID_REFERENCE", "task", "REF_CRASH", "task", f"the reference: {lost}") from lost
    # What rests and is not used would be missing when the reference is proved, which takes more than calls.
    if not hardly_fits:
        runner.lend_memory(rests=True)


def _make_room(station: Station, opening: Opening, num_bytes: int) -> None:
    if opening.beside is not None and not station.locks.holds_memory:
        opening.beside.start_ahead()
        get_ready()
    station.locks.take_memory(num_bytes, torch.cuda.mem_get_info()[1])
