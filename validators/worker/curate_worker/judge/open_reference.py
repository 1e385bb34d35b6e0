"""Opens the reference of a workload and proves it fit to judge by."""

from __future__ import annotations

import torch

from ..channel import Message
from .cases import MAX_CACHED_BYTES
from .reference import Reference
from .reference_errors import ask_reference, parcel_in, start_reference, texts_in
from .requests import Settings, Task, Workload
from .runner_handle import RunnerHandle
from .seeds import derive_seed
from .station import Station

# What judge, reference, mutant and candidate hold of inputs and of parameters, in float64 as well, and what computing
# on them takes; seen on an H100 with inputs of 256 MiB. What needs less than `_MUCH_MEMORY` fits beside others anyway.
_TIMES_INPUTS, _TIMES_STATE = 30, 10
_MUCH_MEMORY = 3 << 30


def open_reference(  # noqa: PLR0913
    station: Station,
    runner: RunnerHandle,
    task: Task,
    workload: Workload,
    how: tuple[Settings, str],
    *,
    is_tame: bool = False,
) -> Reference:
    """
    Opens the reference of a workload in a process, with settings on a device, and proves it fit to judge by; `is_tame`
    draws nothing below zero that the task draws from zero to one. Raises a Verdict that blames the task.
    """
    settings, device = how
    reference = opened_reference(station, runner, task, workload, how)
    reference.is_tame = is_tame
    if device != "cpu":
        with station.locks.off_gpu():
            size = input_bytes(runner, workload)
        _require_wide_window(runner, size)
        _take_memory(station, _TIMES_INPUTS * size + _TIMES_STATE * reference.state.num_bytes)
    _prove(station, reference)
    # Starting a process costs as much as all of a small reference, so the first workload speaks for the others. Beside
    # a large one there is no room.
    tries = not reference.is_large and not reference.is_stochastic
    if tries and (settings.mode == "certify" or workload == task.workloads[0]):
        opening = Message("open_reference", _opening(task, workload, how))
        reference.try_mutants(lambda: start_reference(station, settings, device), opening)
    station.locks.give_way()
    return reference


class NarrowWindow(Exception):  # noqa: N818
    """What a process of a reference shares with the judge is too little for its tensors; it is to be started anew."""


def _require_wide_window(runner: RunnerHandle, num_bytes: int) -> None:
    if runner.window_bytes is not None and not runner.is_wide and num_bytes > MAX_CACHED_BYTES:
        raise NarrowWindow


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


def opened_reference(
    station: Station, runner: RunnerHandle, task: Task, workload: Workload, how: tuple[Settings, str]
) -> Reference:
    """The reference of a workload with its model made, and nothing of it proved."""
    settings, device = how
    runner.allow(settings.timeout_s)
    answer = ask_reference(runner, Message("open_reference", _opening(task, workload, how)), "opened")
    init, state = parcel_in(answer, "init"), parcel_in(answer, "state")
    made = {"init": init, "state": state, "parameters": texts_in(answer, "parameters")}
    return Reference(task, workload, settings, device, runner, station.locks.give_way, **made)


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


def _take_memory(station: Station, num_bytes: int) -> None:
    if num_bytes > _MUCH_MEMORY:
        station.locks.take_memory(num_bytes, torch.cuda.mem_get_info()[1])
