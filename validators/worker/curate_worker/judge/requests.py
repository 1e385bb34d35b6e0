"""What the orchestrator asks for. What a stranger wrote inside is judged, as a verdict."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from .faults import Verdict

BASELINES = ("compile", "max_autotune")
"""Modes of `torch.compile` that a reference can be timed under."""
_MAX_SOURCES = 256
_MAX_PATH = 200
_SUFFIXES = {"python": (".py",), "native": (".cpp", ".cu"), "device": (".json",)}
_ENTRY_POINTS = {
    "python": "file.py::Class",
    "native": "file.cpp::function or file.cu::function",
    "device": "file.json::launches",
}


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
        return BASELINES if self.mode == "certify" else ()


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


@dataclass(frozen=True)
class TraceRequest:
    """A reference whose graph is wanted."""

    nonce: str
    reference: str
    timeout_s: float
    memory_bytes: int


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
