"""The judge's process: requests as JSON lines on descriptor 3, answers on descriptor 4, no meaning on stdout."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..gpu_queues import take_one_queue
from ..heap import keep_freed_memory
from ..sandbox import system_calls as system
from .faults import MachineFault, fault_of
from .launch import Launched, launch
from .parsing import PROTOCOL_VERSION

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
    builds_for: tuple[int, int] | None = None
    """Compute capability of GPUs of other machines: what is built is built for those."""
    peaks: dict | None = None
    """What the device gives at best; None where nobody knows it."""
    times_nothing: bool = False
    """Whether threads of parallel loops need not spin until the next one."""


def main(arguments: list[str]) -> None:
    """Serves the orchestrator until it closes descriptor 3."""
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    keep_freed_memory()
    text = json.loads(arguments[0])
    capability = text.get("builds_for")
    options = JudgeOptions(
        text["device"],
        text["slot"],
        Path(text["cache_folder"]),
        text["threads"],
        None if capability is None else (int(capability[0]), int(capability[1])),
        text.get("peaks"),
        text.get("times_nothing") is True,
    )
    requests, answers = os.fdopen(_REQUESTS, "rb"), os.fdopen(_ANSWERS, "wb")
    for descriptor in (_REQUESTS, _ANSWERS):
        os.set_inheritable(descriptor, False)
    try:
        with _imports_explained():
            launched = launch(options.device, options.threads, forked=True, times_nothing=options.times_nothing)
            launched = replace(launched, builds_for=options.builds_for, peaks=options.peaks)
        # After programs have got an environment of their own.
        take_one_queue()
        with _imports_explained(launched):
            names = ("curate_worker.judge.opening", "curate_worker.judge.serving")
            opening, serving = map(importlib.import_module, names)
        gc.freeze()
        gc.enable()
        where = (options.device, options.slot, options.cache_folder, options.threads)
        with opening.open_station(*where, launched) as (station, facts):
            serving.write(answers, {"type": "ready", "protocol": PROTOCOL_VERSION, **facts})
            serving.serve(station, requests, answers, options.threads)
    except (MachineFault, OSError) as error:
        fault = error if isinstance(error, MachineFault) else fault_of(error)
        failure = {"type": "failed", "code": fault.code, "message": str(fault)}
        answers.write(json.dumps(failure).encode() + b"\n")
        answers.flush()
        sys.exit(1)


# Without what it imports there is no judge; what was started already ends.
@contextlib.contextmanager
def _imports_explained(launched: Launched | None = None) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        if launched is not None:
            launched.server.close()
            shutil.rmtree(launched.root, ignore_errors=True)
        code = "torch_missing" if error.name in ("torch", "numpy") else "worker_unusable"
        raise MachineFault(code, f"{sys.executable}: {error}") from error
