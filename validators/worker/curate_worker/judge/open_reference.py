"""Opens the reference of a workload and proves it fit to judge by."""

from __future__ import annotations

from ..channel import Message
from .reference import Reference
from .reference_errors import ask_reference, parcel_in, start_reference, texts_in
from .requests import Settings, Task, Workload
from .runner_handle import RunnerHandle
from .seeds import derive_seed
from .station import Station

# A judge holds five times as much, its reference and the candidate three times each.
_LARGE_INPUTS = 512 << 20


def open_reference(
    station: Station, runner: RunnerHandle, task: Task, workload: Workload, how: tuple[Settings, str]
) -> Reference:
    """
    Opens the reference of a workload in a process, with settings on a device, and proves it fit to judge by. Raises a
    Verdict that blames the task.
    """
    settings, device = how
    seed = derive_seed(settings.seed, task.id, workload.id, "model")
    body = {
        "workload": workload.id,
        "source": task.reference,
        "axes": workload.axes,
        "device": device,
        "seed": seed,
    }
    runner.allow(settings.timeout_s)
    answer = ask_reference(runner, Message("open_reference", body), "opened")
    init, state = parcel_in(answer, "init"), parcel_in(answer, "state")
    made = {"init": init, "state": state, "parameters": texts_in(answer, "parameters")}
    reference = Reference(task, workload, settings, device, runner, station.locks.give_way, **made)
    measured = ask_reference(runner, Message("measure_inputs", {"workload": workload.id}), "measured")
    size = measured.body.get("num_bytes")
    if device != "cpu" and type(size) is int and size > _LARGE_INPUTS:
        station.locks.take_large_task()
    reference.prove()
    # Starting a process costs as much as all of a small reference, so the first workload speaks for the others. Beside
    # a large one there is no room.
    tries = not reference.is_large and not reference.is_stochastic
    if tries and (settings.mode == "certify" or workload == task.workloads[0]):
        reference.try_mutants(lambda: start_reference(station, settings, device), Message("open_reference", body))
    station.locks.give_way()
    return reference
