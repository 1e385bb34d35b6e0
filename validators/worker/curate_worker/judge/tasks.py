"""The references of the task that is being judged: kept for all of its candidates, dropped with the next task."""

from __future__ import annotations

import gc

import torch

from .device_lock import PROCESSOR
from .faults import Verdict
from .open_reference import Beside, Opening, open_reference
from .reference import Reference
from .reference_errors import LOST_CAUSES, start_reference
from .requests import Settings, Task, Workload
from .runner_handle import RunnerHandle
from .station import Station


class TaskSession:
    """The references, or the verdicts on them, of one task at a time."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._key: tuple[Task, Settings] | None = None
        self._known: dict[tuple[str, str], Reference | Verdict] = {}
        self._processes: dict[str, RunnerHandle] = {}
        self._beside: Beside | None = None

    def enter(self, task: Task, settings: Settings) -> None:
        """Turns to a task; what is known of another one is dropped."""
        if self._key != (task, settings):
            self.close()
            self._key = (task, settings)

    def reference(self, workload: Workload, device: str, beside: Beside | None = None) -> Reference:
        """
        The proved reference of a workload on a device; `beside` is made ready while it waits.
        Raises the Verdict on one that cannot judge anybody.
        """
        self._beside = beside
        if self._key is None:
            raise RuntimeError("no task was entered")
        known = self._known.get((workload.id, device))
        if known is None:
            known = self._found(*self._key, workload, device)
            if beside is not None and beside.was_started and _may_be_a_neighbours(known):
                beside.close()
                self._beside = None
                known = self._found(*self._key, workload, device)
            self._known[workload.id, device] = known
        if isinstance(known, Verdict):
            raise Verdict(known.status, known.stage, known.cause, known.blame, known.log, known.proved_on)
        return known

    def _found(self, task: Task, settings: Settings, workload: Workload, device: str) -> Reference | Verdict:
        try:
            known = self._opened(task, workload, (settings, device))
            self._keep_process(known)
        except Verdict as found:
            # Its frames hold gigabytes of what was computed.
            known = found.with_traceback(None)
            known.__context__ = known.__cause__ = None
            # One workload that ends the process, or leaves it in a bad state, shall not spoil the others.
            if found.cause in LOST_CAUSES or (device == "cuda" and found.cause == "REF_INVALID"):
                self._end_process(device)
            return known
        return known

    # Numbers below zero may be more than it bears: an index out of range on a GPU takes the process along.
    def _opened(self, task: Task, workload: Workload, how: tuple[Settings, str]) -> Reference:
        try:
            return self._open(task, workload, how)
        except Verdict as found:
            if found.cause != "REF_CRASH" and (how[1] != "cuda" or found.cause != "REF_INVALID"):
                raise
        self._end_process(how[1])
        return self._open(task, workload, how, is_tame=True)

    def _open(self, task: Task, workload: Workload, how: tuple[Settings, str], *, is_tame: bool = False) -> Reference:
        opening = Opening(task, workload, *how, is_tame, self._beside)
        return open_reference(self._station, self._process(*how), opening)

    # Starting one takes longer than most references, so the workloads of a task share it.
    def _process(self, settings: Settings, device: str) -> RunnerHandle:
        if device not in self._processes:
            self._processes[device] = start_reference(self._station, settings, device)
        return self._processes[device]

    # A mutant may have ended it, and with it the references that were opened there before.
    def _keep_process(self, reference: Reference) -> None:
        if self._processes.get(reference.device) is not reference.runner:
            self._end_process(reference.device)
            self._processes[reference.device] = reference.runner

    def _end_process(self, device: str) -> None:
        process = self._processes.pop(device, None)
        if process is not None:
            process.close()
        gone = [key for key, known in self._known.items() if key[1] == device and isinstance(known, Reference)]
        for key in gone:
            del self._known[key]

    def forget(self, workload: Workload, device: str) -> bool:
        """Closes a proved reference whose process is lost; the next call opens a new one. False if none was proved."""
        known = self._known.get((workload.id, device))
        if not isinstance(known, Reference):
            return False
        self._end_process(device)
        return True

    def begin_end(self) -> None:
        """
        Lets go of all references and tells their processes to end, which takes a while; `close` waits for them, and
        searches what errors still hold.
        """
        self._forget_all()
        for process in self._processes.values():
            process.begin_end()

    def close(self) -> None:
        """Ends all references."""
        # Whose end was begun there is no key of.
        is_open = self._key is not None or bool(self._processes)
        for device in list(self._processes):
            self._end_process(device)
        if is_open:
            self._forget_all(and_errors=True)

    def _forget_all(self, *, and_errors: bool = False) -> None:
        self._known.clear()
        # It belongs to a candidate, which knows its reference, which has the last case.
        self._key = self._beside = None
        if self._station.device != PROCESSOR:
            # Others need the memory: what errors hold by the frames they went through, which takes 40 ms to find, and
            # what PyTorch would keep.
            if and_errors:
                gc.collect()
            torch.cuda.empty_cache()


# A candidate that was started meanwhile may take the memory and the time that its reference needs.
def _may_be_a_neighbours(known: Reference | Verdict) -> bool:
    return isinstance(known, Verdict) and known.cause in (*LOST_CAUSES, "REF_INVALID")
