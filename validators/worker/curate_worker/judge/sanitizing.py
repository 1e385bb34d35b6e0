"""
Candidates under NVIDIA's compute-sanitizer, on the smallest of their workloads: what reads past the end of memory, or
races, may be right all the same, today. All of those that `certify` passes, and a share of the others.
"""

from __future__ import annotations

import hashlib

import torch

from ..tensors import Blob
from .candidate_run import CandidateRun
from .checks.sanitizer import CHECK
from .faults import MachineFault, RunnerLost, Verdict
from .fork_client import Room
from .log_text import clean_log
from .phases import phase
from .reference import Reference
from .requests import Request
from .runner_handle import RunnerHandle
from .station import Station
from .tasks import TaskSession

_TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
# Reads and writes that no kernel may make; what the others find may be a matter of taste.
_DECIDING = "memcheck"
_NAME = f"{CHECK.id}@{CHECK.version}"
_SCRATCH_BYTES = 8 << 30
_PATIENCE_SECONDS = 30.0


def sanitize(
    station: Station, tasks: TaskSession, request: Request, run: CandidateRun, rows: list[dict]
) -> dict | None:
    """
    Notes what the tools found in the checks of the row of the smallest workload, and gives that row where `certify`
    refuses it: it passed, and its kernels reach memory that is not theirs.
    """
    passed = [index for index, row in enumerate(rows) if row["status"] == "PASSED" and row["proved_on"] == "gpu"]
    if station.device == "cpu" or not passed or not is_chosen(request):
        return None
    with phase("sanitizer"):
        try:
            references = [tasks.reference(request.task.workloads[index], "cuda") for index in passed]
            sizes = [reference.case(0).num_bytes for reference in references]
            place = sizes.index(min(sizes))
            findings = _findings(station, request, run, references[place])
        except (Verdict, RunnerLost, MachineFault) as found:
            text = found.log if isinstance(found, Verdict) else str(found)
            place, findings = 0, [{"tool": "compute-sanitizer", "passed": None, "detail": clean_log(text)[:200]}]
    row = rows[passed[place]]
    for check in row["checks"]:
        if check["check"] == _NAME:
            check.update(summary(findings))
    decides = any(item["tool"] == _DECIDING and item["passed"] is False for item in findings)
    return row if decides and request.settings.mode == "certify" else None


def is_chosen(request: Request) -> bool:
    """Whether it is this candidate's turn: the same ones on every machine."""
    if request.settings.mode == "certify":
        return True
    key = hashlib.sha256(f"sanitizer {request.candidate.key()}".encode()).digest()
    return int.from_bytes(key[:6]) < request.settings.sanitizer_share * (1 << 48)


def summary(findings: list[dict]) -> dict:
    """`passed` and `detail` of the check: one tool that objects is enough, one that could not run spoils nothing."""
    told = [item["passed"] for item in findings if item["passed"] is not None]
    passed = None if not told else all(told)
    tools: dict[str, list[str]] = {}
    for item in findings:
        if item["detail"] is not None:
            tools.setdefault(item["detail"], []).append(item["tool"])
    texts = [f"{', '.join(names)}: {detail}" for detail, names in tools.items()]
    return {"passed": passed, "detail": "; ".join(texts) or None}


def _findings(station: Station, request: Request, run: CandidateRun, reference: Reference) -> list[dict]:
    if station.sanitizer is None:
        return [{"tool": "compute-sanitizer", "passed": None, "detail": "it is not installed on this machine"}]
    script = run.script(reference, reference.case(0))
    calls = [{"kind": item.kind, "body": item.body, "blobs": len(item.blobs)} for item in script]
    blobs = [_on_processor(blob) for item in script for blob in item.blobs]
    seconds = request.settings.build_timeout_s
    body = {"program": station.sanitizer, "tools": list(_TOOLS), "calls": calls, "seconds": seconds}
    # One of its own network: the tool and what it looks at talk over 127.0.0.1.
    room = Room(None, _SCRATCH_BYTES, has_loopback=True)
    with RunnerHandle(station.server, room, len(_TOOLS) * seconds + _PATIENCE_SECONDS) as runner:
        answer = runner.request("sanitize", body, blobs)
        if answer.kind != "sanitized":
            raise RunnerLost("closed", str(answer.body.get("text", "an answer out of place")))
        return [_told(item, runner) for item in answer.body["findings"]]


# Written by a process of the candidate's: text for people, and no more than three answers.
def _told(item: dict, runner: RunnerHandle) -> dict:
    passed = item["passed"] if item["passed"] in (True, False) else None
    detail = None if item["detail"] is None else clean_log(str(item["detail"]), runner.scratch)
    return {"tool": str(item["tool"]), "passed": passed, "detail": detail}


def _on_processor(blob: Blob) -> Blob:
    return memoryview(blob.cpu().numpy()) if isinstance(blob, torch.Tensor) else blob


def refusal(row: dict) -> Verdict:
    """The verdict on a candidate whose kernels reach memory that is not theirs."""
    detail = next(item["detail"] for item in row["checks"] if item["check"] == _NAME)
    return Verdict("RUNTIME_ERROR", "run", "CUDA_ILLEGAL_ACCESS", "candidate", f"compute-sanitizer: {detail}", "gpu")
