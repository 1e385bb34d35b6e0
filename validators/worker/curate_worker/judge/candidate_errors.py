"""Turns what went wrong in a candidate's process into a verdict."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..channel import Message
from .faults import RunnerLost, Verdict
from .log_text import clean_log
from .needs_gpu import needs_gpu
from .runner_handle import RunnerHandle

_MAX_OUTPUT = 2048
_LOST = {
    "timeout": ("TIMEOUT", "TIMEOUT"),
    "signal": ("RUNTIME_ERROR", "CRASH"),
    "exited": ("RUNTIME_ERROR", "NO_OUTPUT"),
    "closed": ("RUNTIME_ERROR", "NO_OUTPUT"),
    "too_large": ("INCORRECT_SHAPE", "WRONG_SHAPE"),
}
_STAGE_CAUSES = {"load": "LOAD_ERROR", "bind": "INIT_ERROR", "run": "PY_EXCEPTION"}
# From c10/cuda/CUDAException.cpp and the CUDA runtime's own messages.
_CUDA_CAUSES = (
    ("out of memory", "OOM"),
    ("an illegal memory access", "CUDA_ILLEGAL_ACCESS"),
    ("misaligned address", "CUDA_ILLEGAL_ACCESS"),
    ("device-side assert", "CUDA_ASSERT"),
    ("unspecified launch failure", "CUDA_LAUNCH_FAILURE"),
    ("invalid configuration argument", "CUDA_LAUNCH_FAILURE"),
    ("too many resources requested for launch", "CUDA_LAUNCH_FAILURE"),
    ("CUDA error", "CUDA_OTHER"),
)
# What Triton raises before anything is launched (triton/compiler/errors.py, triton/runtime/errors.py). The last of them
# is a kernel that wants more registers or shared memory than there are.
_TRITON_CAUSES = {
    "CompilationError": "COMPILE_ERROR",
    "CompileTimeAssertionFailure": "COMPILE_ERROR",
    "UnsupportedLanguageConstruct": "COMPILE_ERROR",
    "PTXASError": "COMPILE_ERROR",
    "OutOfResources": "RESOURCE_EXCEEDED",
}
# What a process prints that is ended by a library before it can say anything. What a candidate prints names its own
# failure, and nobody else's.
_PRINTED = (
    ("device-side assert", "CUDA_ASSERT"),
    ("illegal memory access", "CUDA_ILLEGAL_ACCESS"),
    ("CUDA out of memory", "OOM"),
    ("std::bad_alloc", "OOM"),
    ("MemoryError", "OOM"),
    ("LLVM ERROR", "COMPILE_ERROR"),
    ("allocate output register for constraint", "COMPILE_ERROR"),
)
# https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cuda: `file: line: function: block: [..] Assertion`
_DEVICE_ASSERT = re.compile(r"block: \[\d+,\d+,\d+\], thread: \[\d+,\d+,\d+\] Assertion")
_REAL_UNDER_INTERPRETER = {"SyntaxError", "IndentationError", "TabError", "ImportError", "ModuleNotFoundError"}
_OUT_OF_MEMORY = {"MemoryError", "OutOfMemoryError"}


# What our own code in the runner finds wrong with a candidate.
_NAMED_CAUSES = ("UNSUPPORTED_FORM", "INVALID_PLAN", "STATE_MISMATCH")


@dataclass(frozen=True)
class Circumstances:
    """What is known of the run when something went wrong."""

    stage: str
    """`load`, `bind` or `run`."""
    proved_on: str
    has_triton: bool

    @property
    def interpreted(self) -> bool:
        """Whether the interpreter may be to blame."""
        return self.proved_on == "interpreter"

    @property
    def row_stage(self) -> str:
        """The stage as rows name it."""
        return "load" if self.stage == "bind" else self.stage


def verdict_of_loss(lost: RunnerLost, runner: RunnerHandle, where: Circumstances) -> Verdict:
    """The verdict on a process that ended or broke the protocol."""
    if lost.kind == "forged":
        text = "the process wrote bytes of its own to the judge's channel"
        return Verdict("REWARD_HACK", "integrity", "HACK_FORGE", "candidate", text, where.proved_on)
    status, cause = _LOST[lost.kind]
    printed = clean_log(runner.output, runner.scratch)[:_MAX_OUTPUT]
    # Libraries that end a process, such as OpenMP without threads, say why there and nowhere else.
    text = f"{lost}\n{printed}".strip() if lost.kind in ("signal", "exited") else str(lost)
    if where.interpreted:
        return _interpreter_failed(where, text)
    if lost.kind in ("signal", "exited"):
        cause = _cause_of_print(printed) or cause
    return _verdict(status, where.row_stage, cause, text, where)


def verdict_of_error(answer: Message, runner: RunnerHandle, where: Circumstances) -> Verdict:
    """The verdict on an error that the process told."""
    kind = str(answer.body.get("type"))
    text = clean_log(str(answer.body.get("text", "an answer out of place")), runner.scratch)
    if needs_gpu(text):
        return Verdict("NOT_RUN", where.row_stage, "NO_GPU", None, text)
    if kind == "ModuleNotFoundError" and "'triton" in text and not where.has_triton:
        return Verdict("NOT_RUN", "load", "NO_TRITON", None, "Triton is not installed on this machine")
    if where.interpreted and kind not in _REAL_UNDER_INTERPRETER:
        return _interpreter_failed(where, text)
    if kind == "NotTransferable" and where.stage == "run":
        return Verdict("INCORRECT_SHAPE", "compare", "WRONG_STRUCTURE", "candidate", text, where.proved_on)
    cause = _TRITON_CAUSES.get(kind) if where.has_triton else None
    return _verdict("RUNTIME_ERROR", where.row_stage, cause or _cause_of(kind, text, where), text, where)


def _verdict(status: str, stage: str, cause: str, text: str, where: Circumstances) -> Verdict:
    if cause in _TRITON_CAUSES.values():
        return Verdict("COMPILE_ERROR", "build", cause, "candidate", text, where.proved_on)
    return Verdict(status, stage, cause, "candidate", text, where.proved_on)


def _cause_of_print(printed: str) -> str | None:
    if _DEVICE_ASSERT.search(printed):
        return "CUDA_ASSERT"
    return next((cause for sign, cause in _PRINTED if sign in printed), None)


def _cause_of(kind: str, text: str, where: Circumstances) -> str:
    if kind in _OUT_OF_MEMORY or "can't allocate memory" in text:
        return "OOM"
    if "CUDA" in text:
        for sign, cause in _CUDA_CAUSES:
            if sign in text:
                return cause
    if kind in ("ImportError", "ModuleNotFoundError") and where.stage == "load":
        return "IMPORT_ERROR"
    return kind if kind in _NAMED_CAUSES else _STAGE_CAUSES[where.stage]


# The interpreter is no GPU: what it cannot run may be right.
def _interpreter_failed(where: Circumstances, text: str) -> Verdict:
    return Verdict("NOT_RUN", where.row_stage, "INTERPRETER_FAILED", None, text)
