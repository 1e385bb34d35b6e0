"""
Triton's kernels, compiled before a GPU is waited for. What a candidate launches is known when it is called, so it is
rehearsed, and what Triton's cache holds then is put into the cache of its own process when its turn comes. Files of one
candidate are given to no other: they come out of a process that runs its code.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Final

from ...channel import Message
from ..environment import triton_version
from ..faults import Verdict
from ..rehearsal import Stage, rehearse
from ..requests import Candidate, Preparation, Task
from .build_cache import BuildCache, Built
from .toolchain import Toolchain

_VERSION: Final = 1
_NAME: Final = re.compile(r"[\w-]{1,128}/[\w.-]{1,200}")
_NEVER: Final = (1980, 1, 1, 0, 0, 0)


class TritonKernels:
    """What was compiled ahead for candidates, by their content, failures included."""

    def __init__(self, folder: Path, tools: Toolchain, stage: Stage) -> None:
        self._cache = BuildCache(folder)
        self._tools = tools
        self._stage = stage

    def compile(self, wanted: Preparation) -> None:
        """Compiles what a candidate launches, unless that was tried before. Raises MachineFault and OSError."""
        key = self._key(wanted.task, wanted.candidate)
        with self._cache.held(key, 0) as held:
            # Who else holds it compiles the same.
            if not held or self._cache.read(key) is not None:
                return
            self._cache.write(key, _built_from(rehearse(self._stage, wanted.settings, wanted.task, wanted.candidate)))

    def find(self, task: Task, candidate: Candidate) -> dict[str, bytes]:
        """Files for Triton's cache by their names in it; none where nothing was compiled, or not yet."""
        built = self._cache.read(self._key(task, candidate))
        if built is None or built.library is None:
            return {}
        with zipfile.ZipFile(io.BytesIO(built.library)) as packed:
            return {name: packed.read(name) for name in packed.namelist()}

    def _key(self, task: Task, candidate: Candidate) -> str:
        workloads = [workload.axes for workload in task.workloads]
        content = [_VERSION, "triton", candidate.key(), task.reference, workloads, triton_version()]
        content.append(self._tools.identity())
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _built_from(answer: Message) -> Built:
    compiler = f"triton {triton_version()}"
    if answer.kind != "rehearsed":
        return Built(compiler, None, "NOT_REHEARSED", str(answer.body.get("text", "an answer of another kind"))[:2048])
    names, problem = answer.body.get("names"), answer.body.get("problem")
    if not isinstance(names, list) or len(names) != len(answer.blobs):
        raise Verdict("REWARD_HACK", "integrity", "HACK_FORGE", "candidate", "an answer out of shape")
    text = str(problem.get("text", ""))[:2048] if isinstance(problem, dict) else ""
    seconds = answer.body.get("processor_seconds")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        for name, blob in sorted(zip(map(str, names), answer.blobs, strict=True), key=lambda pair: pair[0]):
            if _NAME.fullmatch(name) is not None and ".." not in name:
                files.writestr(zipfile.ZipInfo(name, _NEVER), bytes(blob))
    return Built(
        compiler,
        packed.getvalue(),
        None,
        text,
        "rehearsed",
        processor_seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
    )
