"""Builds what a program asks for, or finds that it was built before."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ...device.launch_plan import LaunchPlan
from ...extension_spec import check_spec
from ..faults import MachineFault, RunnerLost, Verdict
from ..fork_client import ForkServer, Room
from ..log_text import clean_log
from ..runner_handle import RunnerHandle
from .build_cache import BuildCache, Built
from .commands import Plan, plan_build
from .device_build import plan_device_build
from .flags import FlagRefused
from .headers import PLACE, HeaderStore, RunCompilers
from .quick_plan import plan_quickly
from .resource_usage import resource_usage
from .toolchain import Toolchain

# Raised when command lines or the sandbox of builds change meaning.
_BUILD_VERSION = 4
_SCRATCH_BYTES = 4 << 30
_MEMORY_BYTES = 8 << 30
_HEADER_SECONDS = 600
_NO_HEADER = re.compile(
    r"fatal error: ((?:cu(?:blas|sparse|solver|rand|fft|dnn)|cub/|thrust/|nv/|cuda/|cutlass|cute/|nccl|c10/cuda/"
    r"|ATen/cuda/)\S*): No such file"
)
_FIRST_ERROR = re.compile(r"^.*\b(?:error|undefined reference|cannot find)\b.*$", re.MULTILINE)
_NEW_LINE = "\n"
_NO_SPACE = "No space left on device"


class Builder:
    """Builds for one judge."""

    def __init__(
        self, server: ForkServer, cache: BuildCache, tools: Toolchain, headers: HeaderStore | None, *, gpu: bool
    ) -> None:
        self._server = server
        self._cache = cache
        self._tools = tools
        self._headers = headers
        """None where every build is to be made as PyTorch makes it."""
        self._gpu = gpu

    @property
    def assembler(self) -> Path | None:
        """Path of ptxas; None where there is none."""
        return self._tools.ptxas

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
        self._require_compilers(with_cuda=spec["with_cuda"])
        return self._cached(plan, seconds, lambda: self._build_quickly(spec, plan, seconds))

    def build_device(self, files: dict[str, str], launch_plan: LaunchPlan, seconds: float) -> Built:
        """The cubin of a launch plan's kernels. Raises a Verdict as `build` does."""
        try:
            plan = plan_device_build(files, launch_plan, self._tools)
        except FlagRefused as error:
            raise Verdict("COMPILE_ERROR", "build", "FLAG_REFUSED", "candidate", str(error)) from error
        self._require_compilers(with_cuda=True)
        return self._cached(plan, seconds, lambda: self._compile(plan, seconds))

    def _cached(self, plan: Plan, seconds: float, make: Callable[[], Built]) -> Built:
        key = self._key(plan)
        with self._cache.held(key, seconds) as held:
            known = self._cache.read(key)
            if known is not None:
                return known
            if not held:
                raise Verdict(
                    "TIMEOUT", "build", "COMPILE_TIMEOUT", "candidate", "another process is still compiling it"
                )
            built = make()
            self._cache.write(key, built)
            return built

    # Whatever the quick way does not bring about, PyTorch's own decides.
    def _build_quickly(self, spec: dict, plan: Plan, seconds: float) -> Built:
        reason = None
        for is_narrow in () if self._headers is None else (True, False):
            how = {"link": plan.artifact is not None, "is_narrow": is_narrow}
            quick, obstacle = plan_quickly(spec, self._tools, self._headers, **how)
            reason = obstacle or reason
            if quick is None:
                continue
            built = self._compile(quick, seconds)
            if built.cause is None:
                return built
            reason = f"{quick.method}: {built.log.partition(_NEW_LINE)[0]}"
        return replace(self._compile(plan, seconds), fallback=reason)

    def _require_compilers(self, *, with_cuda: bool) -> None:
        if self._tools.cxx is None:
            raise Verdict("NOT_RUN", "build", "NO_COMPILER", None, "there is no C++ compiler on this machine")
        if with_cuda and self._tools.nvcc is None:
            raise Verdict("NOT_RUN", "build", "NO_COMPILER", None, "there is no nvcc on this machine")

    # The commands name the compilers by path; what they are is in the identity.
    def _key(self, plan: Plan) -> str:
        commands = [step["command"][1:] for chain in plan.chains for step in chain]
        content = [_BUILD_VERSION, self._headers is not None, plan.files, commands, self._tools.identity()]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _compile(self, plan: Plan, seconds: float) -> Built:
        try:
            with compiling(self._server, seconds) as runner:
                body = {"files": plan.files, "chains": self._placed(plan), "artifact": plan.artifact}
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

    def _placed(self, plan: Plan) -> list[list[dict]]:
        def place(word: str) -> str:
            return word.replace(PLACE, str(self._server.headers)) if word.startswith(PLACE) else word

        def placed(step: dict) -> dict:
            return {**step, "command": [place(word) for word in step["command"]]} if "command" in step else step

        return [[placed(step) for step in chain] for chain in plan.chains]


def compiling(server: ForkServer, seconds: float) -> RunnerHandle:
    """A process of its own in the sandbox, with room for compilers."""
    return RunnerHandle(server, Room(_MEMORY_BYTES, _SCRATCH_BYTES), seconds)


def run_in_sandbox(server: ForkServer) -> RunCompilers:
    """What runs one command in the sandbox. It raises RunnerLost and MachineFault."""

    def run(files: dict[str, str], command: list[str], artifact: str) -> tuple[bool, str, memoryview | None]:
        with compiling(server, _HEADER_SECONDS) as runner:
            body = {"files": files, "chains": [[{"command": command}]], "artifact": artifact}
            answer = runner.request("compile", body)
        if answer.kind != "compiled":
            raise MachineFault("compiler_lost", str(answer.body.get("text", "no compiler could be started")))
        blob = answer.blobs[0] if answer.blobs else None
        return blob is None, str(answer.body["output"]), blob

    return run


@dataclass(frozen=True)
class BuildPlace:
    """Where a build ran."""

    scratch: Path
    is_limited: bool
    """Whether the space it had was set aside for it alone."""


def _built_from(body: dict, blobs: list[memoryview], plan: Plan, place: BuildPlace) -> Built:
    compilers = "; ".join(dict.fromkeys(name for names in plan.compilers for name in names.split("; ")))
    output = str(body["output"])
    seconds = float(body["processor_seconds"])
    if body["failed"] is None:
        library = bytes(blobs[0]) if blobs else None
        return Built(compilers, library, None, "", plan.method, None, resource_usage(output), seconds)
    if _NO_SPACE in output and not place.is_limited:
        raise MachineFault("disk_full", "the disk is full")
    missing = _NO_HEADER.search(output)
    cause = "COMPILE_ERROR" if missing is None else "NO_CUDA_HEADERS"
    if body["failed"] == len(plan.chains) - 1 and plan.artifact is not None:
        cause = "LINK_ERROR"
    if _NO_SPACE in output:
        cause = "RESOURCE_EXCEEDED"
    text = clean_log(
        "\n".join(line for line in output.splitlines() if not line.startswith("ptxas info")), place.scratch
    )
    first = _FIRST_ERROR.search(text)
    log = text if first is None else f"{first.group(0).strip()}\n{text}"
    return Built(plan.compilers[body["failed"]], None, cause, log[: 8 * 1024], plan.method, None, [], seconds)
