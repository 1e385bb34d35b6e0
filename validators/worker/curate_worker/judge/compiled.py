"""Asks TorchInductor for an implementation of a task, in the sandbox: a model of strangers is run to be compiled."""

from __future__ import annotations

from .device_lock import PROCESSOR
from .faults import RunnerLost, Verdict
from .log_text import clean_log
from .open_reference import opened_reference
from .reference_errors import start_reference
from .requests import ProgramCheck
from .station import Station


def compile_task(station: Station, check: ProgramCheck) -> dict:
    """The text of a `ModelNew` and what wrote it, or why there is none."""
    with start_reference(station, check.settings, PROCESSOR) as runner:
        try:
            for workload in check.task.workloads:
                opened_reference(station, runner, check.task, workload, (check.settings, PROCESSOR))
            runner.allow(check.settings.build_timeout_s)
            names = [workload.id for workload in check.task.workloads]
            answer = runner.request("write_triton", {"workloads": names})
        except Verdict as found:
            return _refused(found.cause, found.log)
        except RunnerLost as lost:
            return _refused("LOST", str(lost))
        body = answer.body
        if answer.kind != "written" or not isinstance(body.get("source"), str):
            return _refused(str(body.get("type")), clean_log(str(body.get("text")), runner.scratch))
        return {"source": body["source"], "compiler": clean_log(str(body.get("compiler"))), "refusal": None}


def _refused(cause: str, log: str) -> dict:
    return {"source": None, "compiler": None, "refusal": {"cause": cause, "log": log}}
