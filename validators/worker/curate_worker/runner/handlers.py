"""What a runner does for each kind of message."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Final

import torch

from ..chain import Chain
from ..channel import Message
from ..tensors import copy_of
from ..turnstile import Turnstile
from ..values import Parcel, joined, pack, parcel_of, parted, unpack
from . import compile as compilers
from . import modules, oracle, probe, triton_interpreter
from .answers import Answer, answer_parcel
from .errors import FaultInInput
from .extensions import Extensions
from .inputs import make_inputs, measure_inputs, seed_all, shaped_inputs
from .mutants import Origin, call_mutant, mutants_of
from .native import NativeModel
from .parameters import redraw_constants
from .program import Program, arguments_of, construct
from .triton_compiles import announce_compiles
from .triton_launches import LaunchCounter

_MUCH_MEMORY: Final = 1 << 30


@dataclass(frozen=True)
class OpenReference:
    """A reference with the values of one workload."""

    module: ModuleType
    model: object
    program: Program
    origin: Origin


@dataclass
class Runner:
    """The state of one runner: one candidate, or a reference with several workloads."""

    scratch: Path
    turnstile: Turnstile | None = None
    """Where others wait for the GPU."""
    device: str = "cpu"
    entry: type | None = None
    library: Path | None = None
    """Of a native candidate, with the name of its launcher."""
    symbol: str = ""
    program: Program | None = None
    """Of a candidate."""
    references: dict[str, OpenReference] = field(default_factory=dict)
    """By workload."""
    kept: Parcel | None = None
    """The inputs that were made last; None where they are on the GPU and can be sent again in no time."""
    may_give_back: bool = False
    """Whether no timed call is to find the memory that PyTorch keeps for it."""
    launches: LaunchCounter = field(default_factory=LaunchCounter)
    extensions: Extensions = field(init=False)

    def __post_init__(self) -> None:
        self.extensions = Extensions(self.scratch)

    def bound(self, message: Message) -> Program:
        """The program that a message is for; the judge never calls before it has bound one."""
        if "workload" in message.body:
            return self.reference(message).program
        if self.program is None:
            raise FaultInInput("INIT_ERROR", "no model was made")
        return self.program

    def reference(self, message: Message) -> OpenReference:
        """The reference that a message is for."""
        known = self.references.get(message.body["workload"])
        if known is None:
            raise FaultInInput("REF_INVALID", "no reference was loaded")
        return known

    def give_back(self) -> None:
        """Gives gigabytes that PyTorch keeps for later to others on the GPU."""
        if self.may_give_back and torch.cuda.memory_reserved() - torch.cuda.memory_allocated() > _MUCH_MEMORY:
            torch.cuda.empty_cache()

    def inputs(self, message: Message) -> Parcel:
        """The inputs that come with a message, or those that were kept."""
        if message.body["parcel"] is not None:
            return parcel_of(message.body["parcel"], message.blobs)
        if self.kept is None:
            raise FaultInInput("REF_INVALID", "no inputs were made")
        # A copy: the reference may write into its inputs.
        return replace(self.kept, blobs=[copy_of(blob) for blob in self.kept.blobs])


def _probe(runner: Runner, message: Message) -> Answer:
    del runner
    body = message.body
    device = probe.probe_device(body["device"])
    names, contents = probe.triton_cache() if device["cuda"] else ([], [])
    sandbox = probe.probe_sandbox(body["forbidden"])
    return Answer("probed", {"device": device, "sandbox": sandbox, "triton_cache": names}, [*message.blobs, *contents])


def _compile(runner: Runner, message: Message) -> Answer:
    body = message.body
    folder = runner.scratch / "build"
    result = compilers.run_compilers(folder, body["files"], body["chains"], body["artifact"])
    path = result.pop("artifact")
    blobs = [] if path is None else [memoryview(path.read_bytes())]
    return Answer("compiled", result, blobs)


def _load(runner: Runner, message: Message) -> Answer:
    """Loads a candidate's module; with `recording`, only to learn what it wants built."""
    body = message.body
    runner.device = body["device"]
    if body["recording"]:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if body["interpreted"]:
        triton_interpreter.install()
    if body["uses_triton"]:
        runner.launches.install()
        if runner.turnstile is not None:
            announce_compiles(runner.turnstile)
    if body["native"]:
        runner.library = runner.scratch / "native.so"
        runner.library.write_bytes(message.blobs[0])
        runner.symbol = body["entry_point"].partition("::")[2]
        return Answer("loaded", {"extensions": []})
    runner.extensions.install(recording=body["recording"])
    count = len(body["built"])
    for identity, library in zip(body["built"], message.blobs[:count], strict=True):
        runner.extensions.add_built(identity, library)
    modules.write_files(Path(os.environ["TRITON_CACHE_DIR"]), body["triton_cache"], message.blobs[count:])
    folder = runner.scratch / "candidate"
    modules.write_sources(folder, body["files"])
    try:
        runner.entry = modules.load_entry(folder, body["entry_point"])
    except BaseException:
        if not body["recording"]:
            runner.extensions.raise_if_needed()
            raise
        # What was asked for before the failure is worth building; the run itself will show the failure.
    runner.extensions.raise_if_needed()
    return Answer("loaded", {"extensions": runner.extensions.recorded})


def _bind(runner: Runner, message: Message) -> Answer:
    """Makes the candidate's model and tells the names, shapes and dtypes of its parameters."""
    init, _ = unpack(parcel_of(message.body["parcel"], message.blobs), runner.device)
    if runner.library is not None:
        model = NativeModel(runner.library, runner.symbol, message.body["outputs"], runner.device)
        runner.program = Program(model, runner.device)
        return Answer("bound", {"state": {}, "parameters": []})
    if runner.entry is None:
        raise FaultInInput("LOAD_ERROR", "no module was loaded")
    runner.program = construct(runner.entry, init, runner.device)
    runner.extensions.raise_if_needed()
    state = runner.program.state()
    shapes = {name: list(value.shape) for name, value in state.items() if isinstance(value, torch.Tensor)}
    return Answer("bound", {"state": shapes, "parameters": runner.program.parameters()})


def _load_state(runner: Runner, message: Message) -> Answer:
    runner.bound(message).load_state(parcel_of(message.body["parcel"], message.blobs), message.body["names"])
    return Answer("state_loaded")


def _stage(runner: Runner, message: Message) -> Answer:
    """Fresh inputs for one call."""
    seed_all(message.body["seed"])
    runner.may_give_back = runner.device == "cuda" and runner.entry is None and not message.body["flush"]
    runner.bound(message).stage(runner.inputs(message), flush=message.body["flush"])
    runner.launches.take()
    runner.extensions.calls.take()
    return Answer("staged")


def _call(runner: Runner, message: Message) -> Answer:
    """The call itself: the only message that the judge times, so it does nothing else."""
    runner.launches.is_suppressed = runner.extensions.calls.is_suppressed = message.body["ablated"]
    runner.extensions.calls.is_recorded = message.body["profiled"]
    try:
        outputs, clock = runner.bound(message).call(
            **{name: message.body[name] for name in ("blocked", "poisoned", "profiled", "changed", "patience")}
        )
    finally:
        runner.launches.is_suppressed = runner.extensions.calls.is_suppressed = False
        runner.extensions.calls.is_recorded = False
    runner.extensions.raise_if_needed()
    return answer_parcel("called", outputs, **clock)


def _chain(runner: Runner, message: Message) -> Answer:
    """Calls in a row, of which the judge's clock sees nothing but the whole."""
    body = message.body
    seed_all(body["seed"])
    chain = Chain(body["nonce"], body["count"], body["number"])
    outputs, nanoseconds = runner.bound(message).chain(chain, parted(body["parcels"], message.blobs), body["changed"])
    bodies, blobs = joined(outputs)
    return Answer("chained", {"parcels": bodies, "nanoseconds": nanoseconds}, blobs)


def _facts(runner: Runner, message: Message) -> Answer:
    """What else the last call did."""
    facts = runner.bound(message).facts(**{name: message.body[name] for name in ("digests", "keep")})
    counts = {"triton_launches": runner.launches.take(), "extension_calls": runner.extensions.calls.take()}
    return Answer("told", {**counts, **facts})


def _open_reference(runner: Runner, message: Message) -> Answer:
    """Loads the reference for one workload and makes its model; gives constructor arguments and parameters."""
    body = message.body
    runner.device = body["device"]
    seed_all(body["seed"])
    module = modules.load_reference(runner.scratch / "reference", body["source"], body["axes"], runner.device)
    init = module.get_init_inputs()
    packed = pack(init)
    seed_all(body["seed"])
    args, kwargs = arguments_of(init)
    # Constructors copy into parameters, which PyTorch allows only where nothing is recorded.
    with torch.no_grad():
        model = module.Model(*args, **kwargs)
    if isinstance(model, torch.nn.Module):
        redraw_constants(model)
        model = model.to(runner.device)
    program = Program(model, runner.device)
    origin = Origin(body["source"], body["axes"], body["seed"], runner.device, runner.scratch / "mutant")
    runner.references[body["workload"]] = OpenReference(module, model, program, origin)
    state = pack(program.state())
    told = {"init": packed.body(), "state": state.body(), "parameters": program.parameters()}
    return Answer("opened", told, [*packed.blobs, *state.blobs])


def _make_inputs(runner: Runner, message: Message) -> Answer:
    """Fresh inputs from a seed."""
    inputs = make_inputs(runner.reference(message).module, runner.device, message.body)
    parcel = pack(inputs)
    runner.kept = parcel if message.body["keep"] or not parcel.stays_on_gpu else None
    if message.body["keep"]:
        return Answer("inputs_kept")
    return answer_parcel("inputs", parcel)


def _measure_inputs(runner: Runner, message: Message) -> Answer:
    """Bytes of the inputs, found out without making them; null where that cannot be."""
    return Answer("measured", {"num_bytes": measure_inputs(runner.reference(message).module)})


def _run_oracle(runner: Runner, message: Message) -> Answer:
    """The reference in higher precision on given inputs."""
    reference = runner.reference(message)
    seed_all(message.body["seed"])
    parcel = runner.inputs(message)
    reference.program.restore_state()
    precision = message.body["precision"]
    how = (precision, runner.device, message.body["changed"])
    outputs = oracle.run_in_precision(reference.model, reference.module, parcel, how, message.body["nudge"])
    return answer_parcel("outputs", outputs)


def _write_triton(runner: Runner, message: Message) -> Answer:
    """What TorchInductor makes of the references of some workloads, as one module."""
    # Seconds of imports that nothing else needs.
    from .inductor import written_triton  # noqa: PLC0415
    from .inductor_source import module_source  # noqa: PLC0415

    references = [runner.references[name] for name in message.body["workloads"]]
    models = [reference.model for reference in references]
    first = models[0]
    if not isinstance(first, torch.nn.Module) or any(_shapes(model) != _shapes(first) for model in models):
        raise FaultInInput("UNSUPPORTED", "workloads whose models have other parameters")
    written = []
    for reference in references:
        args, kwargs = arguments_of(shaped_inputs(reference.module))
        if kwargs:
            raise FaultInInput("UNSUPPORTED", "inputs by name")
        written.append(written_triton(reference.model, args))
    return Answer("written", {"source": module_source(first, written), "compiler": f"torch {torch.__version__}"})


def _shapes(model: object) -> dict[str, tuple]:
    if not isinstance(model, torch.nn.Module):
        return {}
    return {name: (item.shape, item.dtype) for name, item in model.state_dict().items()}


def _list_mutants(runner: Runner, message: Message) -> Answer:
    """What mistakes can be made in a reference, given the inputs that were kept."""
    reference = runner.reference(message)
    return Answer("mutants", {"texts": mutants_of(reference.origin, reference.program, runner.inputs(message))})


def _call_mutant(runner: Runner, message: Message) -> Answer:
    """What a reference with a mistake makes of the inputs that were kept."""
    reference = runner.reference(message)
    reference.program.restore_state()
    inputs, which = runner.inputs(message), (message.body["mutant"], message.body["changed"])
    outputs = call_mutant(reference.origin, reference.program, reference.model, inputs, which)
    return answer_parcel("outputs", outputs)


def _fingerprint(runner: Runner, message: Message) -> Answer:
    """What a reference's graph is known by; nothing is computed for it."""
    tracing = importlib.import_module("curate_worker.runner.reference_graph")
    source = message.body["source"]
    folder = runner.scratch / "reference"
    graph = tracing.fingerprint(lambda: modules.load_reference(folder, source, {}, "cpu"))
    return Answer("fingerprint", {"graph": graph})


HANDLERS: Final[dict[str, Callable[[Runner, Message], Answer]]] = {
    "probe": _probe,
    "compile": _compile,
    "load": _load,
    "bind": _bind,
    "load_state": _load_state,
    "stage": _stage,
    "call": _call,
    "chain": _chain,
    "facts": _facts,
    "open_reference": _open_reference,
    "make_inputs": _make_inputs,
    "measure_inputs": _measure_inputs,
    "run_oracle": _run_oracle,
    "write_triton": _write_triton,
    "list_mutants": _list_mutants,
    "call_mutant": _call_mutant,
    "fingerprint": _fingerprint,
}
