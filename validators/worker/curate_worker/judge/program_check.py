"""
Runs programs before anybody believes that they stand for a kernel: a reference on inputs of its own, a candidate as far
as its import. On a processor, and decides nothing about numbers: that is what judging is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..digests import digests_of
from ..values import Parcel
from .device_lock import PROCESSOR
from .faults import RunnerLost, Verdict
from .log_text import clean_log
from .needs_gpu import needs_gpu
from .open_reference import input_bytes, opened_reference
from .prepared import Prepared
from .reference import Reference
from .reference_errors import start_reference
from .requests import Candidate, ProgramCheck, Task, Workload
from .runner_handle import RunnerHandle
from .station import Station

# A workload that takes more is made for a GPU; what it says of the program a smaller one says as well.
_MAX_INPUT_BYTES = 256 << 20
_MAX_WORKLOADS = 4
_TOO_LARGE = "TOO_LARGE"
# Another machine, with a GPU or more memory, may see something else.
_UNCERTAIN = ("NO_GPU", "REF_TIMEOUT", "REF_CRASH", "REF_OUT_OF_MEMORY")
_OF_THE_DEVICE = re.compile(
    r"cuda|gpu|device|driver|backend|capability|cpu|not implemented for|hip\b|xpu", re.IGNORECASE
)
_OWN_MISTAKES = ("ModuleNotFoundError", "ImportError", "NameError", "SyntaxError", "IndentationError", "LOAD_ERROR")
_FRAME = re.compile(r"^  at [\w./-]+:(\d+)", re.MULTILINE)
_MODULE = re.compile(r"No module named '([\w.]+)'")


@dataclass(frozen=True)
class Finding:
    """What was seen of a program that is not as it must be."""

    cause: str
    """`IMPORT_ERROR`, `FAILS`, `CONSTANT`, `RETURNS_INPUT`, or why it was not run: `TOO_LARGE`, `NO_GPU` and others."""
    text: str
    is_certain: bool
    """Whether it is the program and not this machine."""

    def told(self) -> dict:
        """As it is sent."""
        missing = _MODULE.search(self.text)
        module = missing.group(1) if missing is not None else None
        return {"cause": self.cause, "log": self.text, "certain": self.is_certain, "missing_module": module}


def check_program(station: Station, check: ProgramCheck) -> dict | None:
    """What speaks against the reference, or against the candidate where there is one; None for nothing."""
    if check.candidate is not None:
        found = _candidate_finding(station, check, check.candidate)
    else:
        found = _reference_finding(station, check, check.task)
    return None if found is None else found.told()


# One workload that runs is enough: others may ask for what only a GPU has room for. What this machine cannot tell of
# one it is not asked of the next.
def _reference_finding(station: Station, check: ProgramCheck, task: Task) -> Finding | None:
    first: Finding | None = None
    for workload in task.workloads[:_MAX_WORKLOADS]:
        found = _finding_on(station, check, task, workload)
        if found is None or (not found.is_certain and found.cause != _TOO_LARGE):
            return found
        if first is None or first.cause == _TOO_LARGE:
            first = found
    return first


def _finding_on(station: Station, check: ProgramCheck, task: Task, workload: Workload) -> Finding | None:
    with start_reference(station, check.settings, PROCESSOR) as runner:
        try:
            reference = opened_reference(station, runner, task, workload, (check.settings, PROCESSOR))
            num_bytes = input_bytes(runner, workload)
            if num_bytes > _MAX_INPUT_BYTES:
                return Finding(_TOO_LARGE, f"its inputs take {num_bytes >> 20} MiB", is_certain=False)
            return _dependence_finding(reference)
        except Verdict as found:
            return _failure(found.cause, found.log, task.reference)


# A result that is the same whatever goes in, or one of the inputs as it was, is none.
def _dependence_finding(reference: Reference) -> Finding | None:
    fingerprints: set[str] = set()
    given: set[str] = set()
    handed_back = True
    for inputs, output, is_changed in _seen(reference):
        fingerprints.add(_fingerprint(output))
        given.add(_fingerprint(inputs))
        handed_back = handed_back and _is_among(output, inputs)
        if is_changed or (len(fingerprints) > 1 and not handed_back):
            return None
    if len(given) == 1:
        text = "its inputs are the same whatever the seed, and so is what it gives"
        return Finding("CONSTANT", text, is_certain=True)
    if len(fingerprints) == 1:
        return Finding("CONSTANT", "it gives the same whatever its inputs are", is_certain=True)
    return Finding("RETURNS_INPUT", "it gives back one of its inputs as it was", is_certain=True)


def _seen(reference: Reference) -> Iterator[tuple[Parcel, Parcel, bool]]:
    for inputs, call in reference.samples():
        yield inputs, call.output, call.input_digests != digests_of(inputs)


def _fingerprint(output: Parcel) -> str:
    return json.dumps([output.tree, _shown(output)], sort_keys=True)


def _is_among(output: Parcel, inputs: Parcel) -> bool:
    given = set(_shown(inputs))
    return bool(output.tensors) and all(item in given for item in _shown(output))


# The same memory in another shape or layout is another result.
def _shown(parcel: Parcel) -> list[str]:
    pairs = zip(parcel.tensors, digests_of(parcel), strict=True)
    return [f"{vars(descriptor)} {digest}" for descriptor, digest in pairs]


def _candidate_finding(station: Station, check: ProgramCheck, candidate: Candidate) -> Finding | None:
    source = candidate.files.get(candidate.entry_point.partition("::")[0], "")
    uses_triton = any("triton" in content for content in candidate.files.values())
    prepared = Prepared(candidate, PROCESSOR, uses_triton and station.has_triton, {})
    message = prepared.load_message(station, recording=False)
    room = station.room(check.settings.memory_bytes, PROCESSOR)
    try:
        with RunnerHandle(station.server, room, check.settings.timeout_s) as runner:
            answer = runner.request(message.kind, message.body, message.blobs)
            text = clean_log(str(answer.body.get("text", "")), runner.scratch)
    except RunnerLost as lost:
        return Finding("NOT_RUN", str(lost), is_certain=False)
    # Code that asks to be built has been imported as far as it goes without a compiler.
    if answer.kind in ("loaded", "build_needed"):
        return None
    # What a library says against code that calls it, another version of it may not say.
    if not text.startswith(_OWN_MISTAKES):
        return Finding("FAILS", text, is_certain=False)
    return _failure("NO_GPU" if needs_gpu(text) else "", text, source)


def _failure(cause: str, text: str, source: str) -> Finding:
    if cause in _UNCERTAIN:
        return Finding(cause.removeprefix("REF_"), text, is_certain=False)
    is_import = text.startswith(("ModuleNotFoundError", "ImportError"))
    kind = "IMPORT_ERROR" if is_import else "FAILS"
    # A library of the system is a matter of the machine, a module one of the program.
    if is_import and ".so" not in text:
        return Finding(kind, text, is_certain=True)
    about_device = _OF_THE_DEVICE.search(f"{text}\n{_failing_line(text, source)}")
    return Finding(kind, text, is_certain=about_device is None)


# An assertion says nothing, but the line it stands in does.
def _failing_line(text: str, source: str) -> str:
    frame = _FRAME.search(text)
    lines = source.splitlines()
    number = 0 if frame is None else int(frame.group(1))
    return lines[number - 1] if 0 < number <= len(lines) else ""
