"""Requests of the orchestrator, checked field by field. What a stranger wrote inside them is judged, as a verdict."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from .faults import Verdict

PROTOCOL_VERSION = 8
MAX_REQUEST_BYTES = 64 << 20
_MAX_SOURCES = 256
_MAX_PATH = 200
_SUFFIXES = {"python": (".py",), "native": (".cpp", ".cu"), "device": (".json",)}
_ENTRY_POINTS = {
    "python": "file.py::Class",
    "native": "file.cpp::function or file.cu::function",
    "device": "file.json::launches",
}
_MODES = ("screen", "standard", "certify")
_POLICIES = ("report", "require")
_LIBRARY_CALLS = ("allow", "report", "forbid")
_STATIC_TAGS = ("report", "refuse")
_PRECISIONS = ("strict", "allow_tf32")
_BASELINES = ("compile", "max_autotune")


class BadRequest(Exception):  # noqa: N818
    """A request no orchestrator of this version sends."""


@dataclass(frozen=True)
class Workload:
    """Overrides of module-level names of the reference."""

    id: str
    axes: dict[str, str]


@dataclass(frozen=True)
class Task:
    """The reference and its workloads."""

    id: str
    reference: str
    workloads: list[Workload]


@dataclass(frozen=True)
class Candidate:
    """The sources that are judged."""

    language: str
    form: str
    entry_point: str
    files: dict[str, str]

    @property
    def is_native(self) -> bool:
        """Whether it is a library with a launcher, without Python."""
        return self.form == "native"

    @property
    def is_device(self) -> bool:
        """Whether it is kernels with a plan that says how they are launched."""
        return self.form == "device"

    def key(self) -> str:
        """Hash of all of it."""
        text = json.dumps([self.language, self.form, self.entry_point, self.files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Settings:
    """What a recipe says about validation."""

    mode: str
    calls: int
    timeout_s: float
    timing_s: float
    build_timeout_s: float
    memory_bytes: int
    seed: int
    precision: str = "strict"
    """`allow_tf32` lets products of float32 be TensorFloat-32."""
    own_kernel: str = "report"
    """`require` refuses candidates that neither build nor launch a kernel."""
    library_calls: str = "report"
    """`forbid` refuses candidates that libraries do the work for; with `allow` nobody looks."""
    sanitizer_share: float = 0.0
    """Share of candidates, 0 to 1, that are looked at by compute-sanitizer in other modes than `certify`."""
    backward: str = "report"
    """`require` refuses candidates without gradients where the task has them."""
    static_tags: str = "report"
    """`refuse` runs nothing whose text does what no honest kernel does."""
    baselines: tuple[str, ...] | None = None
    """What is timed beside eager mode; None leaves it to the mode."""

    @property
    def wanted_baselines(self) -> tuple[str, ...]:
        """Compiling takes up to a minute per workload, so only `certify` asks for it by itself."""
        if self.baselines is not None:
            return self.baselines
        return _BASELINES if self.mode == "certify" else ()


@dataclass(frozen=True)
class Request:
    """One candidate to judge on all workloads of its task."""

    nonce: str
    task: Task
    candidate: Candidate
    settings: Settings


@dataclass(frozen=True)
class Preparation:
    """A candidate that will come."""

    task: Task
    candidate: Candidate
    settings: Settings


@dataclass(frozen=True)
class ProgramCheck:
    """A reference that is to be run before it is believed, or a candidate that is to be imported."""

    nonce: str
    task: Task
    candidate: Candidate | None
    settings: Settings


def parse_check(message: object) -> ProgramCheck:
    """Checks a request to look at one program. Raises BadRequest."""
    fields = _object(message, {"type", "nonce", "task", "candidate", "settings"})
    candidate = None if fields["candidate"] is None else _candidate(fields["candidate"])
    return ProgramCheck(_text(fields["nonce"]), _task(fields["task"]), candidate, parse_settings(fields["settings"]))


@dataclass(frozen=True)
class TraceRequest:
    """A reference whose graph is wanted."""

    nonce: str
    reference: str
    timeout_s: float
    memory_bytes: int


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


def require_usable(candidate: Candidate) -> None:
    """Raises a Verdict for sources that cannot be written below one folder, or a form that is not judged yet."""
    if candidate.form not in _SUFFIXES:
        raise Verdict("NOT_RUN", "load", "UNSUPPORTED_FORM", None, f"the form {candidate.form} is not judged yet")
    for name in candidate.files:
        parts = name.split("/")
        if len(name) > _MAX_PATH or "\x00" in name or any(part in ("", ".", "..") for part in parts):
            raise _unusable(f"the source path {name[:_MAX_PATH]!r} does not stay inside the candidate")
    if len(candidate.files) > _MAX_SOURCES:
        raise _unusable(f"{len(candidate.files)} source files are too many")
    file_name, separator, symbol = candidate.entry_point.partition("::")
    known = file_name.endswith(_SUFFIXES[candidate.form]) and file_name in candidate.files
    if not separator or not symbol.isidentifier() or not known:
        wanted = _ENTRY_POINTS[candidate.form]
        raise _unusable(f"the entry point {candidate.entry_point[:_MAX_PATH]!r} is not {wanted} of its sources")


def _unusable(text: str) -> Verdict:
    return Verdict("RUNTIME_ERROR", "load", "UNSUPPORTED_FORM", "candidate", text)


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
    if any(name not in _BASELINES for name in names):
        raise BadRequest("an unknown baseline")
    return tuple(name for name in _BASELINES if name in names)


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
