"""The judge's process: requests as JSON lines on descriptor 3, answers on descriptor 4, no meaning on stdout."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..sandbox import system_calls as system
from .evaluate import evaluate
from .faults import MachineFault
from .log_text import clean_log
from .opening import open_station
from .requests import MAX_REQUEST_BYTES, PROTOCOL_VERSION, BadRequest, parse_request
from .station import Station
from .tasks import TaskSession

_REQUESTS, _ANSWERS = 3, 4


@dataclass(frozen=True)
class JudgeOptions:
    """What the orchestrator starts a judge with."""

    device: str
    """`cpu` or `cuda`."""
    slot: str
    """Names the device among the machine's: `cpu`, or the GPU's UUID."""
    cache_folder: Path
    threads: int


def main(arguments: list[str]) -> None:
    """Serves the orchestrator until it closes descriptor 3."""
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    text = json.loads(arguments[0])
    options = JudgeOptions(text["device"], text["slot"], Path(text["cache_folder"]), text["threads"])
    requests, answers = os.fdopen(_REQUESTS, "rb"), os.fdopen(_ANSWERS, "wb")
    for descriptor in (_REQUESTS, _ANSWERS):
        os.set_inheritable(descriptor, False)
    try:
        with open_station(options.device, options.slot, options.cache_folder, options.threads) as opened:
            station, facts = opened
            _write(answers, {"type": "ready", "protocol": PROTOCOL_VERSION, **facts})
            _serve(station, requests, answers)
    except MachineFault as fault:
        _write(answers, {"type": "failed", "code": fault.code, "message": str(fault)})
        sys.exit(1)


def _serve(station: Station, requests: BinaryIO, answers: BinaryIO) -> None:
    tasks = TaskSession(station)
    try:
        while line := requests.readline(MAX_REQUEST_BYTES + 1):
            if not line.endswith(b"\n"):
                break
            _write(answers, _answer(station, tasks, line))
    finally:
        tasks.close()


def _answer(station: Station, tasks: TaskSession, line: bytes) -> dict:
    nonce = ""
    try:
        message = json.loads(line)
        nonce = str(message.get("nonce", "")) if isinstance(message, dict) else ""
        with station.occupied():
            rows = evaluate(station, tasks, parse_request(message))
    except MachineFault as fault:
        return {"type": "fault", "nonce": nonce, "code": fault.code, "message": str(fault)}
    except (BadRequest, ValueError) as error:
        return {"type": "fault", "nonce": nonce, "code": "bad_request", "message": str(error)}
    except OSError as error:
        code = "disk_full" if error.errno == errno.ENOSPC else "judge_failed"
        return {"type": "fault", "nonce": nonce, "code": code, "message": clean_log(str(error))}
    except Exception:
        traceback.print_exc()
        return {"type": "fault", "nonce": nonce, "code": "judge_failed", "message": clean_log(traceback.format_exc())}
    return {"type": "verdict", "nonce": nonce, "rows": rows}


def _write(answers: BinaryIO, message: dict) -> None:
    answers.write(json.dumps(message, allow_nan=False).encode() + b"\n")
    answers.flush()
