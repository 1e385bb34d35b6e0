"""What a runner does with a candidate."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import torch

from ..chain import Chain
from ..channel import Message
from ..device.launch_plan import parse_plan
from ..gpu_queues import take_one_queue
from ..values import joined, parcel_of, parted, unpack
from . import compile as compilers
from . import modules, probe, triton_interpreter
from .answers import Answer, answer_gradients, answer_parcel
from .background import step_back
from .errors import FaultInInput
from .gradients import Question
from .inputs import seed_all
from .native import NativeModel
from .own_functions import OwnFunctions
from .program import Program, construct
from .runner_state import Handler, Runner
from .triton_cache import TRITON_CACHE, fill_cache
from .triton_compiles import announce_compiles
from .triton_identity import identity_of_triton, tell_identity
from .triton_resources import keep_ptxas_logs
from .wake import wake, wake_triton


def _probe(runner: Runner, message: Message) -> Answer:
    del runner
    body = message.body
    take_one_queue()
    told = {"device": probe.probe_device(body["device"]), "sandbox": probe.probe_sandbox(body["forbidden"])}
    return Answer("probed", told, message.blobs)


def _probe_triton(runner: Runner, message: Message) -> Answer:
    """What Triton would otherwise make in each process that launches a kernel."""
    del runner, message
    names, contents = probe.triton_cache()
    return Answer("triton_probed", {"triton_cache": names, "triton_identity": identity_of_triton()}, contents)


def _compile(runner: Runner, message: Message) -> Answer:
    body = message.body
    step_back()
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
        if not body["interpreted"]:
            keep_ptxas_logs()
        if body["triton_identity"] is not None:
            tell_identity(body["triton_identity"])
        if runner.turnstile is not None:
            announce_compiles(runner.turnstile)
    # After what was replaced here.
    runner.own = OwnFunctions()
    if body["plan"] is not None:
        # Only what has a GPU can load kernels for one.
        from .device_model import DeviceModel  # noqa: PLC0415

        plan, cubin = parse_plan(body["plan"]["text"]), bytes(message.blobs[0])
        runner.launched = DeviceModel(cubin, plan, body["plan"]["symbols"], runner.device)
        return Answer("loaded", {"extensions": []})
    if body["native"]:
        runner.library = runner.scratch / "native.so"
        runner.library.write_bytes(message.blobs[0])
        runner.symbol = body["entry_point"].partition("::")[2]
        return Answer("loaded", {"extensions": []})
    runner.extensions.install(recording=body["recording"])
    count = len(body["built"])
    for identity, library in zip(body["built"], message.blobs[:count], strict=True):
        runner.extensions.add_built(identity, library)
    fill_cache(Path(os.environ["TRITON_CACHE_DIR"]), body["triton_cache"], message.blobs[count:])
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
    wake(runner.device)
    if body["uses_triton"] and runner.device == "cuda":
        wake_triton()
    return Answer("loaded", {"extensions": runner.extensions.recorded})


def _take_kernels(runner: Runner, message: Message) -> Answer:
    """Fills Triton's cache with what was compiled since the candidate was loaded, who compiles what is not there."""
    with contextlib.suppress(OSError):
        fill_cache(runner.scratch / TRITON_CACHE, message.body["triton_cache"], message.blobs)
    return Answer("kernels_taken")


def _bind(runner: Runner, message: Message) -> Answer:
    """Makes the candidate's model and tells the names, shapes and dtypes of its parameters."""
    init, _ = unpack(parcel_of(message.body["parcel"], message.blobs), runner.device)
    if runner.launched is not None:
        runner.program = Program(runner.launched, runner.device)
        return Answer("bound", {"state": {}, "parameters": []})
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
    held = runner.held(message)
    inputs = runner.inputs(message) if held is None else held
    is_in_place = message.body.get("in_place") is True
    runner.bound(message).stage(inputs, flush=message.body["flush"], is_guarded=held is None, is_in_place=is_in_place)
    runner.launches.take()
    runner.extensions.calls.take()
    return Answer("staged")


def _call(runner: Runner, message: Message) -> Answer:
    """The call itself: the only message that the judge times, so it does nothing else."""
    runner.launches.is_suppressed = runner.extensions.calls.is_suppressed = message.body["ablated"]
    runner.extensions.calls.is_recorded = message.body["profiled"]
    runner.launches.is_altered = message.body["altered"]
    try:
        outputs, clock = runner.bound(message).call(
            **{name: message.body[name] for name in ("blocked", "poisoned", "profiled", "changed", "patience")}
        )
    finally:
        runner.launches.is_suppressed = runner.extensions.calls.is_suppressed = False
        runner.launches.is_altered = runner.extensions.calls.is_recorded = False
    # To spoil a call took copies of all that it was given.
    is_spoiled = message.body["ablated"] or message.body["altered"]
    runner.may_give_back = runner.may_give_back or (is_spoiled and runner.device == "cuda")
    if message.body["altered"]:
        runner.launches.require_altered()
    runner.extensions.raise_if_needed()
    if message.body.get("is_over") is True:
        runner.when_answered = runner.bound(message).forget
    return answer_parcel("called", outputs, **clock)


def _chain(runner: Runner, message: Message) -> Answer:
    """Calls in a row, of which the judge's clock sees nothing but the whole."""
    body = message.body
    seed_all(body["seed"])
    chain = Chain(body["nonce"], body["count"], body["number"])
    outputs, nanoseconds = runner.bound(message).chain(chain, parted(body["parcels"], message.blobs), body["changed"])
    bodies, blobs = joined(outputs)
    return Answer("chained", {"parcels": bodies, "nanoseconds": nanoseconds}, blobs)


def _gradients(runner: Runner, message: Message) -> Answer:
    """A call with gradients recorded, of a candidate or a reference."""
    body = message.body
    seed_all(body["seed"])
    inputs, weights = parted(body["parcels"], message.blobs)
    question = Question(weights, body["places"], body["parameters"])
    output, found = runner.bound(message).gradients(inputs, question, body["changed"])
    runner.extensions.raise_if_needed()
    return answer_gradients(output, found)


def _facts(runner: Runner, message: Message) -> Answer:
    """What else the last call did."""
    facts = runner.bound(message).facts(**{name: message.body[name] for name in ("digests", "keep")})
    counts = {"triton_launches": runner.launches.take(), "extension_calls": runner.extensions.calls.take()}
    if runner.own is not None:
        counts["hooks"] = [*facts.pop("hooks"), *runner.own.replaced()]
    return Answer("told", {**counts, **facts})


def _kernels(runner: Runner, message: Message) -> Answer:
    """What is known of the kernels that Triton compiled for the last call that launched any."""
    del message
    return Answer("kernels", {"kernels": runner.launches.resources()})


CANDIDATE_HANDLERS: Final[dict[str, Handler]] = {
    "probe": _probe,
    "probe_triton": _probe_triton,
    "compile": _compile,
    "load": _load,
    "take_kernels": _take_kernels,
    "bind": _bind,
    "load_state": _load_state,
    "stage": _stage,
    "call": _call,
    "chain": _chain,
    "gradients": _gradients,
    "facts": _facts,
    "kernels": _kernels,
}
