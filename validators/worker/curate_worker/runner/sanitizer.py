"""
Runs a program's calls once more, under NVIDIA's compute-sanitizer
(https://docs.nvidia.com/compute-sanitizer/ComputeSanitizer/): in a process of its own, within the sandbox of this one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch

from ..channel import BlockingChannel, Message, encode_header
from ..sandbox.seccomp import forbid_connections
from ..window import Window
from .handlers import HANDLERS
from .runner_state import Runner

_ENTRY: Final = Path(__file__).resolve().parents[1] / "__main__.py"
_CALLS: Final = "calls"
_FOUND: Final = 86
"""What the tool ends with where it found something."""
_CLEAN: Final = re.compile(r"^=+ (ERROR|RACECHECK) SUMMARY: 0 ", re.MULTILINE)
_SAID: Final = re.compile(r"^=+ (?!COMPUTE-SANITIZER)\s*(\S.*)$", re.MULTILINE)
_MOST_CHARACTERS: Final = 300
# Tensors that share a block of PyTorch's allocator have no ends that anybody could see.
_ENVIRONMENT: Final = {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run_tools(scratch: Path, program: str, tools: Sequence[str], calls: list[Message], seconds: float) -> list[dict]:
    """What each tool said of the calls: `passed` true or false, None where it could not be run, with a `detail`."""
    folder = scratch / "sanitized"
    folder.mkdir(exist_ok=True)
    with (folder / _CALLS).open("wb") as sink:
        for number, message in enumerate(calls):
            sink.write(encode_header(number, message))
            for blob in message.blobs:
                sink.write(blob if isinstance(blob, memoryview) else bytes(blob.cpu().numpy()))
    return [_run_tool(folder, program, tool, seconds) for tool in tools]


def _run_tool(folder: Path, program: str, tool: str, seconds: float) -> dict:
    log = folder / f"{tool}.log"
    options = ["--tool", tool, "--error-exitcode", str(_FOUND), "--print-limit", "4", "--log-file", str(log)]
    command = [program, *options, sys.executable, "-B", str(_ENTRY), "sanitized", str(folder)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _finding(tool, None, f"it did not end within {seconds:.0f} s")
    except OSError as error:
        return _finding(tool, None, str(error))
    said = log.read_text(errors="replace") if log.exists() else ""
    if done.returncode == _FOUND:
        return _finding(tool, passed=False, detail="; ".join(_SAID.findall(said)[:2]) or "it found something")
    if done.returncode == 0 and _CLEAN.search(said):
        return _finding(tool, passed=True, detail=None)
    printed = (said + done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")).strip()
    return _finding(tool, None, f"ended with {done.returncode}: {printed.splitlines()[-1] if printed else 'no word'}")


def _finding(tool: str, passed: bool | None, detail: str | None) -> dict:
    return {"tool": tool, "passed": passed, "detail": None if detail is None else detail[:_MOST_CHARACTERS]}


def replay(folder: Path) -> None:
    """In the process that is looked at: answers the calls to nobody. Raises what they raise."""
    # The tool is connected to when the driver is opened, and the driver asks whether somebody shares the GPU.
    if torch.cuda.is_available():
        torch.zeros(1, device="cuda")
        torch.cuda.synchronize()
    forbid_connections()
    runner = Runner(folder)
    with (folder / _CALLS).open("rb") as source:
        channel = BlockingChannel(_File(source), sys.maxsize, _no_window)
        while (message := channel.receive()) is not None:
            HANDLERS[message.kind](runner, message)
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


class _File:
    """A file that is read as a connection is."""

    def __init__(self, source: object) -> None:
        self._source = source

    def recv_into(self, buffer: memoryview) -> int:
        """Bytes that were read; 0 at its end."""
        return self._source.readinto(buffer)


def _no_window() -> Window:
    raise RuntimeError("nothing is shared with the judge here")
