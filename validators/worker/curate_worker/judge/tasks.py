"""The references of the task that is being judged: kept for all of its candidates, dropped with the next task."""

from __future__ import annotations

from .faults import Verdict
from .reference import Reference, open_reference
from .requests import Settings, Task, Workload
from .station import Station


class TaskSession:
    """The references, or the verdicts on them, of one task at a time."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._key: tuple[Task, Settings] | None = None
        self._known: dict[tuple[str, str], Reference | Verdict] = {}

    def enter(self, task: Task, settings: Settings) -> None:
        """Turns to a task; what is known of another one is dropped."""
        if self._key != (task, settings):
            self.close()
            self._key = (task, settings)

    def reference(self, workload: Workload, device: str) -> Reference:
        """The proved reference of a workload on a device. Raises the Verdict on one that cannot judge anybody."""
        if self._key is None:
            raise RuntimeError("no task was entered")
        known = self._known.get((workload.id, device))
        if known is None:
            task, settings = self._key
            try:
                known = open_reference(self._station, task, workload, (settings, device))
            except Verdict as found:
                known = found
            self._known[workload.id, device] = known
        if isinstance(known, Verdict):
            raise Verdict(known.status, known.stage, known.cause, known.blame, known.log, known.proved_on)
        return known

    def forget(self, workload: Workload, device: str) -> bool:
        """Closes a proved reference whose process is lost; the next call opens a new one. False if none was proved."""
        known = self._known.get((workload.id, device))
        if not isinstance(known, Reference):
            return False
        known.close()
        del self._known[workload.id, device]
        return True

    def close(self) -> None:
        """Ends all references."""
        for known in self._known.values():
            if isinstance(known, Reference):
                known.close()
        self._known.clear()
        self._key = None
