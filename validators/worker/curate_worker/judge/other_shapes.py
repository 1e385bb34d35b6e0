"""
Whether a candidate is right on sizes that its task does not have and nobody told it of. Under `certify`, and no more
than a finding: who wrote it was asked for the task's own.
"""

from __future__ import annotations

from dataclasses import replace

from .candidate_run import CandidateRun, DeviceChanged
from .checks.other_shapes import CHECK
from .compare import compare
from .faults import MachineFault, RunnerLost, Verdict
from .log_text import first_line
from .named_sizes import other_sizes
from .phases import phase
from .reference import Reference
from .requests import Request, Workload
from .seeds import derive_seed
from .station import Station
from .tasks import TaskSession

_NAME = f"{CHECK.id}@{CHECK.version}"
_NUM_CALLS = 2


def look_at_other_shapes(
    station: Station, tasks: TaskSession, request: Request, run: CandidateRun, rows: list[dict]
) -> None:
    """Notes in the checks of the first row that passed how the candidate, which still runs, fares on other sizes."""
    passed = [index for index, row in enumerate(rows) if row["status"] == "PASSED"]
    if request.settings.mode != "certify" or not passed:
        return
    with phase("other_shapes"):
        try:
            found, detail = _finding(station, tasks, request, run, request.task.workloads[passed[0]])
        except (Verdict, RunnerLost, MachineFault) as lost:
            found, detail = None, first_line(lost.log if isinstance(lost, Verdict) else str(lost))
    for check in rows[passed[0]]["checks"]:
        if check["check"] == _NAME:
            check.update({"passed": found, "detail": detail})


def _finding(
    station: Station, tasks: TaskSession, request: Request, run: CandidateRun, workload: Workload
) -> tuple[bool | None, str]:
    seed = derive_seed(request.settings.seed, request.task.id, "other shapes")
    known = tasks.reference(workload, run.device)
    if known.is_large or known.is_stochastic:
        return None, "a call takes gigabytes" if known.is_large else "the reference draws random numbers"
    why = "the task names no sizes of its inputs"
    # Of its own, so that a reference that other sizes end takes none of the proved ones along.
    session = TaskSession(station)
    session.enter(request.task, replace(request.settings, mode="screen"))
    try:
        for number, axes in enumerate(other_sizes(request.task.reference, workload.axes, seed)):
            why = "the reference runs with no other sizes that were tried"
            try:
                reference = session.reference(Workload(f"other shapes {number}", axes), run.device)
                if _shapes(reference) == _shapes(known) or reference.is_stochastic:
                    continue
            except Verdict:
                continue
            said = ", ".join(f"{name} = {text}" for name, text in axes.items() if workload.axes.get(name) != text)
            return _fares(run, reference, said)
    finally:
        session.close()
    return None, why


def _shapes(reference: Reference) -> list[tuple[int, ...]]:
    return [descriptor.shape for descriptor in reference.case(0).inputs.tensors]


def _fares(run: CandidateRun, reference: Reference, said: str) -> tuple[bool | None, str]:
    try:
        run.bind(reference)
        for number in range(_NUM_CALLS):
            case = reference.case(number)
            compare(run.call(case, flush=False).outputs, case.expected)
    except Verdict as found:
        # Whatever else went wrong says nothing of it.
        return (False if found.blame == "candidate" else None), first_line(f"{said}: {found.log}")
    except DeviceChanged:
        return None, f"{said}: it builds code for another device"
    return True, said
