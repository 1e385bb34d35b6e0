"""What a runner does to have a candidate's calls looked at by a tool: nothing of the candidate runs in itself."""

from __future__ import annotations

import importlib
from typing import Final

from ..channel import Message
from .answers import Answer
from .runner_state import Handler, Runner


def _sanitize(runner: Runner, message: Message) -> Answer:
    # It needs the table that this handler is part of.
    sanitizer = importlib.import_module("curate_worker.runner.sanitizer")
    body, blobs, calls = message.body, list(message.blobs), []
    for call in body["calls"]:
        own, blobs = blobs[: call["blobs"]], blobs[call["blobs"] :]
        calls.append(Message(call["kind"], call["body"], own))
    told = sanitizer.run_tools(runner.scratch, body["program"], body["tools"], calls, body["seconds"])
    return Answer("sanitized", {"findings": told})


SANITIZER_HANDLERS: Final[dict[str, Handler]] = {"sanitize": _sanitize}
