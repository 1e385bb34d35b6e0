"""Answers the orchestrator's requests one after another, and builds ahead of them what candidates will want."""

from __future__ import annotations

import json
import time
import traceback
from typing import BinaryIO

import torch

from ..window import num_received_on_processor
from .builds.ahead import BuildAhead
from .compiled import compile_task
from .conversion import convert
from .device_lock import PROCESSOR
from .evaluate import evaluate
from .faults import MachineFault, fault_of
from .log_text import clean_log
from .parsing import MAX_REQUEST_BYTES, BadRequest, parse_check, parse_preparation, parse_request, parse_trace
from .phases import phase, timed_phases
from .program_check import check_program
from .requests import Request
from .self_measure import judge_itself, ratio_of
from .self_timing import Ratio
from .station import Station
from .tasks import TaskSession
from .tracing import Tracing

_OUT_OF_MEMORY = ("OOM", "REF_OUT_OF_MEMORY")
# What fails where hardly any memory is left need not say so: contexts, libraries and modules need it as well. Those of
# two processes take a gigabyte, and what they share with the judge half of one.
_FAILED, _SCARCE_BYTES = ("RUNTIME_ERROR", "INVALID_REFERENCE"), 4 << 30
_OUT_OF_TIME = ("TIMEOUT", "REF_TIMEOUT")
_MOSTLY_FREE = 0.75
_PATIENCE_SECONDS, _LOOK_SECONDS = 10.0, 0.05


def serve(station: Station, requests: BinaryIO, answers: BinaryIO, builders: int) -> None:
    """Serves until the requests end. One answer per request, none per `prepare`."""
    tasks, ahead, tracing = TaskSession(station), BuildAhead(station, builders), Tracing(station)
    try:
        while line := requests.readline(MAX_REQUEST_BYTES + 1):
            if not line.endswith(b"\n"):
                break
            message = _parse(line)
            if isinstance(message, dict) and message.get("type") == "prepare":
                ahead.add(parse_preparation(message))
            elif isinstance(message, dict) and message.get("type") == "settle":
                ahead.settle()
                write(answers, {"type": "settled", "nonce": str(message.get("nonce", ""))})
            else:
                write(answers, _answer(station, tasks, tracing, message))
    finally:
        ahead.close()
        tasks.close()


# A GPU's memory is shared with other judges: what was too much for what they left may be little for the whole.
def _evaluate(station: Station, tasks: TaskSession, request: Request) -> list[dict]:
    rows = _rows_with_room(station, tasks, request)
    if rows is None and _others_make_room(station):
        rows = _rows_with_room(station, tasks, request)
    if rows is not None:
        return rows
    with station.locks.alone(station.device):
        free, total = torch.cuda.mem_get_info()
        # Others hold it while they wait. Whoever asks ends them and asks once more, and trying it before is work twice.
        if free < _MOSTLY_FREE * total:
            raise MachineFault("device_out_of_memory", f"only {free >> 20} of {total >> 20} MiB were left by others")
        try:
            return evaluate(station, tasks, request)
        except torch.OutOfMemoryError as error:
            raise MachineFault("device_out_of_memory", str(error).partition("\n")[0]) from error


# None where a GPU had too little memory for them; the task is closed then.
def _rows_with_room(station: Station, tasks: TaskSession, request: Request) -> list[dict] | None:
    known = num_received_on_processor()
    try:
        rows = evaluate(station, tasks, request)
        is_slow = num_received_on_processor() > known
        if station.device == PROCESSOR or not any(_lacked_memory(row, is_slow=is_slow) for row in rows):
            return rows
    except torch.OutOfMemoryError:
        pass
    tasks.close()
    return None


# Its own process has ended: what is taken now others have. `is_slow`: a tensor was received on the processor, for want
# of room, which takes seconds for gigabytes and counts against the time limit.
def _lacked_memory(row: dict, *, is_slow: bool) -> bool:
    if row["cause"] in _OUT_OF_MEMORY or (is_slow and row["cause"] in _OUT_OF_TIME):
        return True
    return row["status"] in _FAILED and torch.cuda.mem_get_info()[0] < _SCARCE_BYTES


# Tasks that need little take no shares, and those that they hold are over in seconds. False where nothing was missing.
def _others_make_room(station: Station) -> bool:
    free, total = torch.cuda.mem_get_info()
    if free >= _MOSTLY_FREE * total:
        return False
    station.locks.give_memory_back()
    station.locks.take_memory(total, total)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with phase("wait_for_memory"):
        while free < _MOSTLY_FREE * total and time.monotonic() < deadline:
            station.locks.give_way()
            time.sleep(_LOOK_SECONDS)
            free, _ = torch.cuda.mem_get_info()
    return True


# Others wait for the memory, and nobody knows when the next candidate of the same task comes.
def _give_memory_back(station: Station, tasks: TaskSession) -> None:
    if station.locks.holds_memory:
        tasks.close()
        station.locks.give_memory_back()


def write(answers: BinaryIO, message: dict) -> None:
    """Writes one message to the orchestrator."""
    answers.write(json.dumps(message, allow_nan=False).encode() + b"\n")
    answers.flush()


def _parse(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _answer(station: Station, tasks: TaskSession, tracing: Tracing, message: object) -> dict:
    nonce = str(message.get("nonce", "")) if isinstance(message, dict) else ""
    kind = message.get("type") if isinstance(message, dict) else None
    try:
        with timed_phases() as clock, station.locks.shared():
            if kind == "check":
                told = {"type": "checked", "finding": check_program(station, parse_check(message))}
            elif kind == "compile":
                told = {"type": "compiled", **compile_task(station, parse_check(message))}
            elif kind == "convert":
                told = {"type": "converted", **convert(station, tasks, parse_check(message))}
            elif kind == "trace":
                told = {"type": "traced", **tracing.trace(parse_trace(message))}
            else:
                told = {"type": "verdict", "rows": _judged(station, tasks, message)}
        if told["type"] == "verdict":
            told |= {"seconds": clock.stop(), "self_timings": station.self_timing.take_events()}
        return {"nonce": nonce, **told}
    except MachineFault as fault:
        return {"type": "fault", "nonce": nonce, "code": fault.code, "message": str(fault)}
    except (BadRequest, ValueError) as error:
        return {"type": "fault", "nonce": nonce, "code": "bad_request", "message": str(error)}
    except OSError as error:
        fault = fault_of(error)
        return {"type": "fault", "nonce": nonce, "code": fault.code, "message": clean_log(str(fault))}
    except Exception:
        traceback.print_exc()
        return {"type": "fault", "nonce": nonce, "code": "judge_failed", "message": clean_log(traceback.format_exc())}


# The references that are open take memory, and the one that is measured would be another process beside them.
def _measured_alone(station: Station, tasks: TaskSession, request: Request) -> Ratio | None:
    tasks.close()
    return ratio_of(judge_itself(station, request.settings))


def _judged(station: Station, tasks: TaskSession, message: object) -> list[dict]:
    request = parse_request(message)
    try:
        if request.settings.mode != "screen":
            station.self_timing.run_if_due(lambda: _measured_alone(station, tasks, request))
        return _evaluate(station, tasks, request)
    finally:
        _give_memory_back(station, tasks)
