"""How errors inside the sandbox are told to the judge: as text for people, never as a verdict."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

_MAX_TEXT = 8 * 1024
_MAX_FRAMES = 6


class BuildNeeded(BaseException):
    """
    `load_inline` was called with sources that have not been built yet. Not an Exception, so that a kernel's own
    `except Exception` does not turn it into a fallback.
    """

    def __init__(self, spec: dict) -> None:
        super().__init__("sources that have not been built yet")
        self.spec = spec


class FaultInInput(Exception):  # noqa: N818
    """Something a program was given or gives cannot be used; `cause` is the UPPER_CASE name of what."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


def describe_error(error: BaseException, frames: Sequence[traceback.FrameSummary], own_folder: Path) -> dict:
    """Type and message of an error, and where in the program's own files it came from."""
    try:
        message = str(error)
    except Exception:
        message = "an error whose text cannot be read"
    lines = [f"{type(error).__name__}: {message}"[:_MAX_TEXT]]
    own = [frame for frame in frames if frame.filename.startswith(str(own_folder))]
    lines += [f"  at {Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in own[-_MAX_FRAMES:][::-1]]
    if isinstance(error, SyntaxError):
        lines.append(f"  at {Path(error.filename or '').name}:{error.lineno}")
    fatal = type(error).__name__ == "AcceleratorError" or "CUDA error" in message
    return {"type": type(error).__name__, "text": "\n".join(lines)[:_MAX_TEXT], "fatal": fatal}
