"""What is known of a candidate before it runs: how it is judged here, and its extensions, built."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from ..channel import Message
from ..device.expressions import PlanError
from ..device.launch_plan import LaunchPlan, parse_plan
from ..extension_spec import spec_id
from ..static_tags import Tag
from .builds.build_cache import Built
from .builds.build_row import build_row
from .builds.device_build import symbols_of_plan
from .faults import RunnerLost, Verdict
from .phases import phase
from .requests import Candidate, Settings, Task, require_usable
from .runner_handle import RunnerHandle
from .station import Station

_MAX_EXTENSIONS = 16


@dataclass
class Prepared:
    """A candidate with everything built that it is known to want."""

    candidate: Candidate
    device: str
    """Where it runs: C++ kernels on the processor, also beside a GPU."""
    uses_triton: bool
    built: dict[str, Built]
    tags: list[Tag] = field(default_factory=list)
    """What its text says."""
    plan: LaunchPlan | None = None
    """Of a candidate of form `device`."""
    triton_cache: dict[str, bytes] = field(default_factory=dict)
    """Kernels that were compiled ahead for it, as files of Triton's cache."""
    launched: Built | None = None
    """What Triton compiled for a call of it on a GPU, as its process tells; None where it tells nothing."""
    symbols: dict[str, str] = field(default_factory=dict)
    """Of such a candidate, by the names that its plan has for kernels."""

    def plan_text(self) -> str:
        """The plan as it was written."""
        return self.candidate.files[self.candidate.entry_point.partition("::")[0]]

    @property
    def wants_kernels_ahead(self) -> bool:
        """Whether it launches kernels that Triton compiles when it is called."""
        return self.uses_triton and self.candidate.form == "python"

    def look_for_kernels(self, station: Station, task: Task) -> None:
        """Takes what was compiled ahead for it, if anything was by now."""
        if self.wants_kernels_ahead and station.kernels is not None and not self.triton_cache:
            self.triton_cache = station.kernels.find(task, self.candidate)

    @property
    def proved_on(self) -> str:
        """What a row says it was proved on, if it is. Without a GPU, Triton's interpreter stands in for it."""
        if self.device == "cuda":
            return "gpu"
        return "interpreter" if self.uses_triton else "cpu"

    def load_message(self, station: Station, *, recording: bool) -> Message:
        """The message that loads its module: for good, or on no device and only to learn what it wants built."""
        seed = station.triton_cache | self.triton_cache if self.uses_triton and not recording else {}
        libraries = {identity: built.library for identity, built in self.built.items() if built.library is not None}
        body = {
            "files": self.candidate.files,
            "entry_point": self.candidate.entry_point,
            "device": "cpu" if recording else self.device,
            "recording": recording,
            "uses_triton": self.uses_triton,
            "interpreted": self.proved_on == "interpreter",
            "native": self.candidate.is_native,
            "plan": None if self.plan is None else {"text": self.plan_text(), "symbols": self.symbols},
            "built": list(libraries),
            "triton_cache": list(seed),
            "triton_identity": None if recording else station.triton_identity,
        }
        return Message("load", body, [memoryview(item) for item in (*libraries.values(), *seed.values())])

    def row(self) -> dict | None:
        """The `build` field of a row."""
        return build_row([*self.built.values(), *([] if self.launched is None else [self.launched])])


def prepare(station: Station, candidate: Candidate) -> Prepared:
    """Finds out how a candidate is judged here. Raises a Verdict on one that is not judged at all."""
    require_usable(candidate)
    uses_triton = _uses_triton(candidate)
    on_processor = candidate.language == "cpp" and not (uses_triton or candidate.is_device or _has_cuda(candidate))
    prepared = Prepared(candidate, "cpu" if on_processor else station.device, uses_triton, built={})
    if candidate.is_device:
        prepared.plan = _plan_of(candidate, prepared.plan_text())
    return prepared


def _plan_of(candidate: Candidate, text: str) -> LaunchPlan:
    try:
        plan = parse_plan(text)
        if plan.source not in candidate.files or not plan.source.endswith((".cu", ".ptx")):
            raise PlanError(f"the source {plan.source[:80]!r} is no .cu or .ptx file of the candidate")
    except PlanError as error:
        raise Verdict("COMPILE_ERROR", "build", "INVALID_PLAN", "candidate", str(error)) from error
    return plan


def _has_cuda(candidate: Candidate) -> bool:
    return candidate.is_native and any(name.endswith(".cu") for name in candidate.files)


def native_spec(candidate: Candidate) -> dict:
    """How a native candidate is built: without Python, all of its sources."""
    return {
        "name": "native",
        "units": [[name, text] for name, text in sorted(candidate.files.items())],
        "with_cuda": _has_cuda(candidate),
        "is_python_module": False,
        "extra_cflags": ["-O3", "-fopenmp"],
        "extra_cuda_cflags": [],
        "extra_ldflags": ["-fopenmp"],
    }


def wants_builds(candidate: Candidate) -> bool:
    """Whether a candidate could ask for anything to be built."""
    return (
        candidate.is_native
        or candidate.is_device
        or any("cpp_extension" in text or "load_inline" in text for text in candidate.files.values())
    )


def build_extensions(station: Station, settings: Settings, prepared: Prepared) -> None:
    """Builds what a candidate asks for when its module is loaded. Raises a Verdict where that decides."""
    if prepared.plan is not None:
        add_kernels(station, settings, prepared, prepared.plan)
        return
    if prepared.candidate.is_native:
        add_build(station, settings, prepared, native_spec(prepared.candidate))
        require_device(station, prepared)
        return
    if not wants_builds(prepared.candidate):
        return
    with station.locks.off_gpu():
        for spec in _recorded(station, settings, prepared):
            add_build(station, settings, prepared, spec)
    require_device(station, prepared)


def add_build(station: Station, settings: Settings, prepared: Prepared, spec: object) -> None:
    """Builds one extension. Raises a Verdict where it cannot be compiled."""
    if not isinstance(spec, dict) or len(prepared.built) >= _MAX_EXTENSIONS:
        raise Verdict("COMPILE_ERROR", "build", "UNSUPPORTED_FORM", "candidate", "too many extensions")
    with phase("build"):
        built = station.builder.build(spec, settings.build_timeout_s)
    prepared.built[spec_id(spec)] = built
    if spec["with_cuda"]:
        prepared.device = station.device
    if built.cause == "NO_CUDA_HEADERS":
        raise Verdict("NOT_RUN", "build", built.cause, None, built.log)
    if built.cause is not None:
        raise Verdict("COMPILE_ERROR", "build", built.cause, "candidate", built.log, "compiler")


def add_kernels(station: Station, settings: Settings, prepared: Prepared, plan: LaunchPlan) -> None:
    """Compiles the kernels of a launch plan. Raises a Verdict where they cannot be, or cannot be launched so."""
    plan_file = prepared.candidate.entry_point.partition("::")[0]
    files = {name: text for name, text in prepared.candidate.files.items() if name != plan_file}
    with phase("build"):
        built = station.builder.build_device(files, plan, settings.build_timeout_s)
    prepared.built["kernels"] = built
    if built.cause is not None or built.library is None:
        raise Verdict("COMPILE_ERROR", "build", built.cause or "COMPILE_ERROR", "candidate", built.log, "compiler")
    prepared.symbols = symbols_of_plan(plan, built.library)
    if station.device != "cuda":
        raise not_run_without_gpu(prepared)


def require_device(station: Station, prepared: Prepared) -> None:
    """Raises the verdict on CUDA code where there is no GPU: all of it compiled, none of it ran."""
    if station.device != "cuda" and any(built.library is None for built in prepared.built.values()):
        raise not_run_without_gpu(prepared)


def not_run_without_gpu(prepared: Prepared) -> Verdict:
    """The verdict on a CUDA kernel where there is no GPU. Whatever its module would do instead proves nothing of it."""
    compiled = "the sources compile; " if prepared.built else ""
    text = f"{compiled}there is no GPU on this machine to run them"
    return Verdict("NOT_RUN", "run", "NO_GPU", None, text, "compiler" if prepared.built else None)


def _recorded(station: Station, settings: Settings, prepared: Prepared) -> list[object]:
    known = station.recordings.take(prepared.candidate.key())
    return record(station, settings, prepared) if known is None else known


def record(station: Station, settings: Settings, prepared: Prepared) -> list[object]:
    """
    What a candidate's module asks to have built: it is executed once with a recorder in place of the compiler, on no
    device. What goes wrong here does so in the run again.
    """
    try:
        room = station.room(settings.memory_bytes, "cpu")
        with RunnerHandle(station.server, room, settings.timeout_s) as runner:
            message = prepared.load_message(station, recording=True)
            answer = runner.request(message.kind, message.body, message.blobs)
    except RunnerLost:
        return []
    recorded = answer.body.get("extensions", []) if answer.kind == "loaded" else []
    return recorded[:_MAX_EXTENSIONS] if isinstance(recorded, list) else []


def _uses_triton(candidate: Candidate) -> bool:
    return any(_imports_triton(text) for name, text in candidate.files.items() if name.endswith(".py"))


def _imports_triton(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == "triton" for name in names):
            return True
    return False
