"""Reads requests of the orchestrator, field by field."""

from __future__ import annotations

from .requests import (
    BASELINES,
    Candidate,
    Preparation,
    ProgramCheck,
    Request,
    Settings,
    Task,
    TraceRequest,
    Workload,
)

PROTOCOL_VERSION = 8
MAX_REQUEST_BYTES = 64 << 20
_MODES = ("screen", "standard", "certify")
_POLICIES = ("report", "require")
_LIBRARY_CALLS = ("allow", "report", "forbid")
_STATIC_TAGS = ("report", "refuse")
_PRECISIONS = ("strict", "allow_tf32")


class BadRequest(Exception):  # noqa: N818
    """A request no orchestrator of this version sends."""


def parse_request(message: object) -> Request:
    """Checks a request completely. Raises BadRequest."""
    fields = _object(message, {"type", "nonce", "task", "candidate", "settings"})
    if fields["type"] != "evaluate":
        raise BadRequest("a request of an unknown type")
    return Request(
        nonce=_text(fields["nonce"]),
        task=_task(fields["task"]),
        candidate=_candidate(fields["candidate"]),
        settings=parse_settings(fields["settings"]),
    )


def parse_check(message: object) -> ProgramCheck:
    """Checks a request to look at one program. Raises BadRequest."""
    fields = _object(message, {"type", "nonce", "task", "candidate", "settings"})
    candidate = None if fields["candidate"] is None else _candidate(fields["candidate"])
    return ProgramCheck(_text(fields["nonce"]), _task(fields["task"]), candidate, parse_settings(fields["settings"]))


def parse_trace(message: object) -> TraceRequest:
    """Checks the request for a graph. Raises BadRequest."""
    fields = _object(message, {"type", "nonce", "reference", "timeout_s", "memory_bytes"})
    seconds, num_bytes = fields["timeout_s"], fields["memory_bytes"]
    if type(seconds) not in (int, float) or type(num_bytes) is not int or not (seconds > 0 and num_bytes > 0):
        raise BadRequest("a limit that is not a positive number")
    return TraceRequest(_text(fields["nonce"]), _text(fields["reference"]), seconds, num_bytes)


def parse_preparation(message: object) -> Preparation:
    """Checks the announcement of a candidate. Raises BadRequest."""
    fields = _object(message, {"type", "task", "candidate", "settings"})
    settings = parse_settings(fields["settings"])
    return Preparation(_task(fields["task"]), _candidate(fields["candidate"]), settings)


def _task(message: object) -> Task:
    fields = _object(message, {"id", "reference", "workloads"})
    workloads = [_workload(item) for item in _list(fields["workloads"])]
    return Task(_text(fields["id"]), _text(fields["reference"]), workloads)


def _candidate(message: object) -> Candidate:
    fields = _object(message, {"language", "form", "entry_point", "sources"})
    files: dict[str, str] = {}
    for item in _list(fields["sources"]):
        source = _object(item, {"path", "content"})
        files[_text(source["path"])] = _text(source["content"])
    return Candidate(_text(fields["language"]), _text(fields["form"]), _text(fields["entry_point"]), files)


def parse_settings(message: object) -> Settings:
    """Checks what a recipe says about validation. Raises BadRequest."""
    known = {
        "own_kernel": _POLICIES,
        "library_calls": _LIBRARY_CALLS,
        "precision": _PRECISIONS,
        "static_tags": _STATIC_TAGS,
        "backward": _POLICIES,
    }
    limits = {"calls", "timeout_s", "timing_s", "build_timeout_s", "memory_bytes"}
    fields = _object(
        message,
        {*known, "mode", "seed", "baselines", "sanitizer_share", *limits},
    )
    if fields["mode"] not in _MODES:
        raise BadRequest("an unknown mode")
    whole = {name: fields[name] for name in ("calls", "memory_bytes", "seed")}
    if any(type(value) is not int or value < 0 for value in whole.values()):
        raise BadRequest("a setting that is not a whole number")
    seconds = {name: fields[name] for name in ("timeout_s", "timing_s", "build_timeout_s")}
    if any(type(value) not in (int, float) or value <= 0 for value in seconds.values()):
        raise BadRequest("a time limit that is not a positive number")
    if any(fields[name] not in values for name, values in known.items()):
        raise BadRequest("an unknown policy")
    policies = {name: fields[name] for name in ("mode", *known)}
    return Settings(
        **policies,
        **whole,
        **seconds,
        baselines=_baselines(fields["baselines"]),
        sanitizer_share=_share(fields["sanitizer_share"]),
    )


def _share(value: object) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise BadRequest("a share that is not between 0 and 1")
    return float(value)


def _baselines(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = _list(value)
    if any(name not in BASELINES for name in names):
        raise BadRequest("an unknown baseline")
    return tuple(name for name in BASELINES if name in names)


def _workload(item: object) -> Workload:
    fields = _object(item, {"id", "axes"})
    axes = _object(fields["axes"], None)
    return Workload(_text(fields["id"]), {name: _text(value) for name, value in axes.items()})


def _object(value: object, names: set[str] | None) -> dict:
    if not isinstance(value, dict) or (names is not None and set(value) != names):
        raise BadRequest(f"an object with other fields than {sorted(names or [])}")
    return value


def _list(value: object) -> list:
    if not isinstance(value, list):
        raise BadRequest("a list is missing")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadRequest("a text is missing")
    return value
