"""The message that has a candidate rehearsed."""

from __future__ import annotations

import os
import resource
import traceback
from pathlib import Path
from typing import Final

from ...channel import Message
from ..answers import Answer
from ..background import step_back
from ..errors import describe_error
from ..modules import load_entry, write_sources
from ..runner_state import Handler, Runner
from ..triton_resources import keep_ptxas_logs
from .pretended_gpu import pretended_gpu
from .rehearse import Rehearsed, kernel_facts, rehearse
from .triton_recorder import TritonRecorder

_MOST_BYTES: Final = 64 << 20
_MOST_KERNELS: Final = 64


def _rehearse(runner: Runner, message: Message) -> Answer:
    """
    Calls a candidate once per workload, without a GPU. Gives what Triton's cache holds then, `described` what was seen
    of each call and kernel, and what stood in the way, if anything did.
    """
    body = message.body
    if not body["described"]:
        step_back()
    properties, problem = body["properties"], None
    recorder = TritonRecorder((properties["major"], properties["minor"]), with_launchers=not body["described"])
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if body["assembler"] is not None:
        os.environ.update(dict.fromkeys(("TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH"), body["assembler"]))
    calls: list[Rehearsed] = []
    runner.extensions.install(recording=True)
    try:
        recorder.install()
        keep_ptxas_logs()
        folder = runner.scratch / "candidate"
        write_sources(folder, body["files"])
        with pretended_gpu(properties):
            entry = load_entry(folder, body["entry_point"])
            for number, axes in enumerate(body["workloads"]):
                place = runner.scratch / f"reference-{number}"
                calls.append(rehearse(entry, place, body["reference"], axes, recorder))
    # Whatever ends it, kernels were compiled before.
    except BaseException as error:
        problem = describe_error(error, traceback.extract_tb(error.__traceback__), runner.scratch)
    described = _described(calls, recorder) if body["described"] and problem is None else None
    names, contents = ([], []) if body["described"] else _cached(Path(os.environ["TRITON_CACHE_DIR"]))
    told = {"problem": problem, "described": described, "names": names, "processor_seconds": _processor_seconds()}
    return Answer("rehearsed", told, contents)


def _described(calls: list[Rehearsed], recorder: TritonRecorder) -> dict:
    kernels = {launch.kernel.hash: launch.kernel for call in calls for launch in call.launches}
    facts = {key: kernel_facts(kernel) for key, kernel in list(kernels.items())[:_MOST_KERNELS]}
    return {"calls": [call.facts() for call in calls], "kernels": facts, "tuned": recorder.tuned}


# Files in order of name, as many as there is room for: one that is missing costs a compilation.
def _cached(root: Path) -> tuple[list[str], list[memoryview]]:
    names: list[str] = []
    contents: list[memoryview] = []
    left = _MOST_BYTES
    for path in sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink()):
        left -= path.stat().st_size
        if left < 0:
            break
        names.append(str(path.relative_to(root)))
        contents.append(memoryview(path.read_bytes()))
    return names, contents


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(item.ru_utime + item.ru_stime for item in used), 3)


REHEARSAL_HANDLERS: Final[dict[str, Handler]] = {"rehearse": _rehearse}
