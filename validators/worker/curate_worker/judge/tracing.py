"""Has references traced into graphs, each in a process of its own: what runs there is a stranger's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .faults import RunnerLost
from .log_text import clean_log
from .reference_errors import cause_of
from .requests import TraceRequest
from .runner_handle import RunnerHandle
from .station import Station

_TRACER = "curate_worker.runner.reference_graph"
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_MOST_TEXT = 500


@dataclass
class Tracing:
    """Traces references for one judge."""

    station: Station

    def trace(self, request: TraceRequest) -> dict:
        """The fingerprint of a reference's graph, or why there is none."""
        self.station.server.prepare(_TRACER)
        room = self.station.room(request.memory_bytes, "cpu")
        with RunnerHandle(self.station.server, room, request.timeout_s) as runner:
            try:
                answer = runner.request("fingerprint", {"source": request.reference})
            except RunnerLost as lost:
                return _none("REF_TIMEOUT" if lost.kind == "timeout" else "REF_CRASH", str(lost))
            text = clean_log(str(answer.body.get("text", "")), runner.scratch)
        graph = answer.body.get("graph")
        if answer.kind == "fingerprint" and isinstance(graph, str) and _FINGERPRINT.fullmatch(graph):
            return {"graph": graph, "cause": None, "detail": None}
        return _none(cause_of(answer), text)


def _none(cause: str, detail: str) -> dict:
    return {"graph": None, "cause": cause, "detail": detail.strip().partition("\n")[0][:_MOST_TEXT]}
