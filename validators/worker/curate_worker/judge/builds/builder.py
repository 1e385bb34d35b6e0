"""Builds what a program asks for, or finds that it was built before."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ...extension_spec import check_spec
from ..faults import MachineFault, RunnerLost, Verdict
from ..fork_client import ForkServer, Room
from ..log_text import clean_log
from ..runner_handle import RunnerHandle
from .build_cache import BuildCache, Built
from .commands import Plan, plan_build
from .flags import FlagRefused
from .toolchain import Toolchain

# Raised when command lines or the sandbox of builds change meaning.
_BUILD_VERSION = 1
_SCRATCH_BYTES = 4 << 30
_MEMORY_BYTES = 8 << 30
_NO_HEADER = re.compile(
    r"fatal error: ((?:cu(?:blas|sparse|solver|rand|fft|dnn)|cub/|thrust/|nv/|cuda/|cutlass|cute/|nccl|c10/cuda/"
    r"|ATen/cuda/)\S*): No such file"
)
_FIRST_ERROR = re.compile(r"^.*\b(?:error|undefined reference|cannot find)\b.*$", re.MULTILINE)
_NO_SPACE = "No space left on device"


class Builder:
    """Builds for one judge."""

    def __init__(self, server: ForkServer, cache_folder: Path, tools: Toolchain, *, gpu: bool) -> None:
        self._server = server
        self._cache = BuildCache(cache_folder)
        self._tools = tools
        self._gpu = gpu

    def build(self, untrusted: object, seconds: float) -> Built:
        """
        The finished build of a specification. Raises a Verdict where it cannot be built by anyone, where it takes too
        long, or where this machine lacks the compiler.
        """
        try:
            spec = check_spec(untrusted)
            plan = plan_build(spec, self._tools, link=self._gpu or not spec["with_cuda"])
        except FlagRefused as error:
            raise Verdict("COMPILE_ERROR", "build", "FLAG_REFUSED", "candidate", str(error)) from error
        except ValueError as error:
            raise Verdict("COMPILE_ERROR", "build", "UNSUPPORTED_FORM", "candidate", str(error)) from error
        self._require_compilers(spec)
        key = self._key(plan)
        with self._cache.held(key, seconds) as held:
            known = self._cache.read(key)
            if known is not None:
                return known
            if not held:
                raise Verdict(
                    "TIMEOUT", "build", "COMPILE_TIMEOUT", "candidate", "another process is still compiling it"
                )
            built = self._compile(plan, seconds)
            self._cache.write(key, built)
            return built

    def _require_compilers(self, spec: dict) -> None:
        if self._tools.cxx is None:
            raise Verdict("NOT_RUN", "build", "NO_COMPILER", None, "there is no C++ compiler on this machine")
        if spec["with_cuda"] and self._tools.nvcc is None:
            raise Verdict("NOT_RUN", "build", "NO_COMPILER", None, "there is no nvcc on this machine")

    # The commands name the compilers by path; what they are is in the identity.
    def _key(self, plan: Plan) -> str:
        commands = [command[1:] for command in plan.commands]
        content = [_BUILD_VERSION, plan.files, commands, self._tools.identity()]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _compile(self, plan: Plan, seconds: float) -> Built:
        try:
            with RunnerHandle(self._server, Room(_MEMORY_BYTES, _SCRATCH_BYTES), seconds) as runner:
                body = {"files": plan.files, "commands": plan.commands, "artifact": plan.artifact}
                answer = runner.request("compile", body)
                place = BuildPlace(runner.scratch, is_limited="private-tmpfs" in runner.layers)
        except RunnerLost as lost:
            if lost.kind == "timeout":
                text = "the compilers did not end within the time limit for builds"
                raise Verdict("TIMEOUT", "build", "COMPILE_TIMEOUT", "candidate", text) from lost
            raise MachineFault("compiler_lost", f"the process that compiles was lost: {lost}") from lost
        if answer.kind != "compiled":
            raise MachineFault("compiler_lost", str(answer.body.get("text", "no compiler could be started")))
        return _built_from(answer.body, list(answer.blobs), plan, place)


@dataclass(frozen=True)
class BuildPlace:
    """Where a build ran."""

    scratch: Path
    is_limited: bool
    """Whether the space it had was set aside for it alone."""


def _built_from(body: dict, blobs: list[memoryview], plan: Plan, place: BuildPlace) -> Built:
    compilers = "; ".join(dict.fromkeys(plan.compilers))
    if body["failed"] is None:
        return Built(compilers, bytes(blobs[0]) if blobs else None, None, "")
    output = str(body["output"])
    if _NO_SPACE in output and not place.is_limited:
        raise MachineFault("disk_full", "the disk is full")
    missing = _NO_HEADER.search(output)
    cause = "COMPILE_ERROR" if missing is None else "NO_CUDA_HEADERS"
    if body["failed"] == len(plan.commands) - 1 and plan.artifact is not None:
        cause = "LINK_ERROR"
    if _NO_SPACE in output:
        cause = "RESOURCE_EXCEEDED"
    text = clean_log(output, place.scratch)
    first = _FIRST_ERROR.search(text)
    log = text if first is None else f"{first.group(0).strip()}\n{text}"
    return Built(plan.compilers[body["failed"]], None, cause, log[: 8 * 1024])
