"""What went wrong in a candidate's process, as a verdict: from what it told, and from what it printed at its end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from curate_worker.channel import Message
from curate_worker.judge.candidate_errors import Circumstances, verdict_of_error, verdict_of_loss
from curate_worker.judge.faults import RunnerLost

ON_GPU = Circumstances("run", "gpu", has_triton=True)
ASSERTION = "IndexKernel.cu:94: operator(): block: [0,0,0], thread: [0,0,0] Assertion `index out of bounds` failed."


def runner(printed: str) -> SimpleNamespace:
    return SimpleNamespace(output=printed, scratch=Path("/nowhere"))


@pytest.mark.parametrize(
    ("printed", "status", "cause"),
    [
        (ASSERTION, "RUNTIME_ERROR", "CUDA_ASSERT"),
        ("AcceleratorError: CUDA error: device-side assert triggered", "RUNTIME_ERROR", "CUDA_ASSERT"),
        ("terminate called: an illegal memory access was encountered", "RUNTIME_ERROR", "CUDA_ILLEGAL_ACCESS"),
        ("MemoryError: ", "RUNTIME_ERROR", "OOM"),
        ("error: couldn't allocate output register for constraint 'v'", "COMPILE_ERROR", "COMPILE_ERROR"),
        ("LLVM ERROR: Cannot select: intrinsic", "COMPILE_ERROR", "COMPILE_ERROR"),
        ("goodbye", "RUNTIME_ERROR", "NO_OUTPUT"),
    ],
)
def test_a_process_that_a_library_ended_failed_for_what_that_printed(printed: str, status: str, cause: str) -> None:
    found = verdict_of_loss(RunnerLost("exited", "the process ended with code 1"), runner(printed), ON_GPU)
    assert (found.status, found.cause, found.blame) == (status, cause, "candidate")
    assert printed.strip() in found.log


@pytest.mark.parametrize("kind", ["timeout", "closed", "too_large", "forged"])
def test_what_it_printed_says_nothing_of_other_ends(kind: str) -> None:
    plain, told = (verdict_of_loss(RunnerLost(kind, "x"), runner(text), ON_GPU).cause for text in ("", ASSERTION))
    assert plain == told


@pytest.mark.parametrize(
    ("kind", "status", "stage", "cause"),
    [
        ("CompilationError", "COMPILE_ERROR", "build", "COMPILE_ERROR"),
        ("PTXASError", "COMPILE_ERROR", "build", "COMPILE_ERROR"),
        ("OutOfResources", "COMPILE_ERROR", "build", "RESOURCE_EXCEEDED"),
        ("OutOfMemoryError", "RUNTIME_ERROR", "run", "OOM"),
        ("ValueError", "RUNTIME_ERROR", "run", "PY_EXCEPTION"),
    ],
)
def test_what_triton_cannot_compile_did_not_compile(kind: str, status: str, stage: str, cause: str) -> None:
    answer = Message("error", {"type": kind, "text": f"{kind}: at 3:4"}, [])
    found = verdict_of_error(answer, runner(""), ON_GPU)
    assert (found.status, found.stage, found.cause) == (status, stage, cause)
    interpreted = verdict_of_error(answer, runner(""), Circumstances("run", "interpreter", has_triton=True))
    assert interpreted.status == "NOT_RUN"
