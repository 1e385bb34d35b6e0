"""What a runner does for each kind of message."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np
import torch

from ..channel import Message
from ..values import pack, parcel_of, unpack
from . import compile as compilers
from . import modules, oracle, probe, triton_interpreter
from .answers import Answer, answer_parcel
from .errors import FaultInInput
from .extensions import Extensions
from .program import Program, arguments_of, construct
from .triton_launches import LaunchCounter

_MAX_SEED: Final = 1 << 32


@dataclass
class Runner:
    """The state of one runner: at most one program."""

    scratch: Path
    device: str = "cpu"
    entry: type | None = None
    module: ModuleType | None = None
    model: object = None
    program: Program | None = None
    launches: LaunchCounter = field(default_factory=LaunchCounter)
    extensions: Extensions = field(init=False)

    def __post_init__(self) -> None:
        self.extensions = Extensions(self.scratch)

    def bound(self) -> Program:
        """The program; the judge never calls before it has bound one."""
        if self.program is None:
            raise FaultInInput("INIT_ERROR", "no model was made")
        return self.program


def _probe(runner: Runner, message: Message) -> Answer:
    del runner
    body = message.body
    return Answer(
        "probed",
        {
            "device": probe.probe_device(body["device"]),
            "sandbox": probe.probe_sandbox(body["forbidden"]),
        },
    )


def _compile(runner: Runner, message: Message) -> Answer:
    body = message.body
    folder = runner.scratch / "build"
    result = compilers.run_compilers(folder, body["files"], body["commands"], body["artifact"])
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
    runner.extensions.install(recording=body["recording"])
    for identity, library in zip(body["built"], message.blobs, strict=True):
        runner.extensions.add_built(identity, library)
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
    if runner.entry is None:
        raise FaultInInput("LOAD_ERROR", "no module was loaded")
    runner.program = construct(runner.entry, init, runner.device)
    runner.extensions.raise_if_needed()
    state = runner.program.state()
    return Answer(
        "bound",
        {"state": {name: list(value.shape) for name, value in state.items() if isinstance(value, torch.Tensor)}},
    )


def _load_state(runner: Runner, message: Message) -> Answer:
    runner.bound().load_state(parcel_of(message.body["parcel"], message.blobs))
    return Answer("state_loaded")


def _stage(runner: Runner, message: Message) -> Answer:
    """Fresh inputs for one call."""
    _seed(message.body["seed"])
    runner.bound().stage(parcel_of(message.body["parcel"], message.blobs), flush=message.body["flush"])
    runner.launches.take()
    return Answer("staged")


def _call(runner: Runner, message: Message) -> Answer:
    """The call itself: the only message that the judge times, so it does nothing else."""
    del message
    outputs, clock = runner.bound().call()
    runner.extensions.raise_if_needed()
    return answer_parcel("called", outputs, **clock)


def _facts(runner: Runner, message: Message) -> Answer:
    """What else the last call did."""
    del message
    return Answer("told", {"triton_launches": runner.launches.take(), **runner.bound().facts()})


def _open_reference(runner: Runner, message: Message) -> Answer:
    """Loads the reference for one workload and makes its model; gives constructor arguments and parameters."""
    body = message.body
    runner.device = body["device"]
    _seed(body["seed"])
    runner.module = modules.load_reference(runner.scratch / "reference", body["source"], body["axes"], runner.device)
    init = runner.module.get_init_inputs()
    packed = pack(init)
    _seed(body["seed"])
    args, kwargs = arguments_of(init)
    model = runner.module.Model(*args, **kwargs)
    runner.model = model.to(runner.device) if isinstance(model, torch.nn.Module) else model
    runner.program = Program(runner.model, runner.device)
    state = pack(runner.program.state())
    return Answer("opened", {"init": packed.body(), "state": state.body()}, [*packed.blobs, *state.blobs])


def _make_inputs(runner: Runner, message: Message) -> Answer:
    """Fresh inputs from a seed, made on the device where the reference allows it: that is a thousand times quicker."""
    if runner.module is None:
        raise FaultInInput("REF_INVALID", "no reference was loaded")
    try:
        _seed(message.body["seed"])
        with torch.device(runner.device) if runner.device != "cpu" else contextlib.nullcontext():
            inputs = runner.module.get_inputs()
    except RuntimeError:
        if runner.device == "cpu":
            raise
        _seed(message.body["seed"])
        inputs = runner.module.get_inputs()
    return answer_parcel("inputs", pack(inputs))


def _run_oracle(runner: Runner, message: Message) -> Answer:
    """The reference in higher precision on given inputs."""
    if runner.module is None:
        raise FaultInInput("REF_INVALID", "no reference was loaded")
    _seed(message.body["seed"])
    parcel = parcel_of(message.body["parcel"], message.blobs)
    runner.bound().restore_state()
    outputs = oracle.run_in_precision(runner.model, runner.module, parcel, message.body["precision"], runner.device)
    return answer_parcel("outputs", outputs)


def _seed(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % _MAX_SEED)


HANDLERS: Final[dict[str, Callable[[Runner, Message], Answer]]] = {
    "probe": _probe,
    "compile": _compile,
    "load": _load,
    "bind": _bind,
    "load_state": _load_state,
    "stage": _stage,
    "call": _call,
    "facts": _facts,
    "open_reference": _open_reference,
    "make_inputs": _make_inputs,
    "run_oracle": _run_oracle,
}
