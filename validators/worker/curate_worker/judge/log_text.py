"""Makes text of strangers fit for a row: no paths of this machine, no addresses, no control characters, bounded."""

from __future__ import annotations

import re
import sys
from pathlib import Path

MAX_LOG_CHARACTERS = 8 * 1024
_MAX_LINE_CHARACTERS = 200
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{5,16}\b")
_COMMON = re.compile(r"(?<=elements are out of tolerance), [^;]*")
_NUMBER = re.compile(r"-?\d[\d.e+-]*")
_TEMPORARY = re.compile(r"tmpxft_[0-9a-f]+_[0-9a-f]+-\d+_|/tmp/cc\w{6}\b")


def clean_log(text: str, scratch: Path | None = None) -> str:
    """The text without what differs between machines and runs."""
    if scratch is not None:
        for folder in ("candidate", "build", "reference", "built", "tmp"):
            text = text.replace(f"{scratch}/{folder}/", "")
        text = text.replace(f"{scratch}/", "").replace(str(scratch), ".")
    for prefix in sorted({*sys.path, sys.prefix, sys.base_prefix}, key=len, reverse=True):
        if len(prefix) > len("/usr"):
            text = text.replace(f"{prefix}/", "")
    text = _TEMPORARY.sub("", _ADDRESS.sub("0x…", _CONTROL.sub("", text)))
    return text.encode(errors="replace").decode().strip()[:MAX_LOG_CHARACTERS]


def first_line(text: str) -> str:
    """What fits into a detail: the first line without what differs between machines and runs."""
    return clean_log(text).partition("\n")[0][:_MAX_LINE_CHARACTERS]


def of_unforeseen_inputs(log: str) -> str:
    """The same of inputs that nobody gets again: without what their numbers say, as a row is always the same."""
    return f"on inputs that nobody could foresee: {_NUMBER.sub('*', _COMMON.sub('', log))}"
