"""What a runner does with references and their mutants."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch

from ..channel import Message
from ..gpu_queues import take_one_queue_for
from ..values import pack, parted, unpack
from . import modules, oracle
from .answers import Answer, answer_gradients, answer_parcel
from .arguments import arguments_of
from .arithmetic import count_arithmetic
from .errors import FaultInInput
from .gates import drawn_state, gates_of
from .gradients import Question, places_with_gradient
from .inputs import gates_among, has_constant_integers, make_inputs, measure_inputs, seed_all, shaped_inputs
from .mutants import Origin, call_mutant, mutants_of
from .needed_inputs import needed_shares
from .parameters import redraw_constants, shared_parameters
from .program import Program
from .quick_draws import RoomNeeded, made_quickly
from .runner_state import Handler, OpenReference, Runner
from .wake import wake_reference


def _open_reference(runner: Runner, message: Message) -> Answer:
    """Loads the reference for one workload and makes its model; gives constructor arguments and parameters."""
    body = message.body
    runner.device = body["device"]
    # Not so a candidate, whose text may hide what it does.
    if body.get("is_compiled") is not True:
        take_one_queue_for(body["source"])
    wake_reference(runner.device)
    seed_all(body["seed"])
    module = modules.load_reference(runner.scratch / "reference", body["source"], body["axes"], runner.device)
    init = module.get_init_inputs()
    packed = pack(init)
    args, kwargs = arguments_of(init)

    def make() -> object:
        seed_all(body["seed"])
        return module.Model(*args, **kwargs)

    # Constructors copy into parameters, which PyTorch allows only where nothing is recorded.
    try:
        with torch.no_grad():
            model = made_quickly(make, runner.device, asks_for_room=body.get("asks_for_room") is True)
    except RoomNeeded as needed:
        return Answer("room_needed", {"num_bytes": needed.num_bytes})
    gates = gates_of(model) if isinstance(model, torch.nn.Module) else {}
    if isinstance(model, torch.nn.Module):
        redraw_constants(model)
        model = model.to(runner.device)
    program = Program(model, runner.device)
    origin = Origin(body["source"], body["axes"], body["seed"], runner.device, runner.scratch / "mutant")
    runner.references[body["workload"]] = OpenReference(module, model, program, origin, gates)
    state = pack(program.state())
    told = {"init": packed.body(), "state": state.body(), "parameters": program.parameters()}
    told["shared"] = shared_parameters(model)
    return Answer("opened", told, [*packed.blobs, *state.blobs])


def _make_inputs(runner: Runner, message: Message) -> Answer:
    """Fresh inputs from a seed."""
    # Before others are made: there may be room for one set of them.
    runner.kept = None
    inputs = make_inputs(runner.reference(message).module, runner.device, message.body)
    parcel = pack(inputs)
    runner.kept = parcel if message.body["keep"] or message.body["hold"] or not parcel.stays_on_gpu else None
    if message.body["keep"]:
        return Answer("inputs_kept")
    told = {"with_gradient": places_with_gradient(inputs), "constant_integers": has_constant_integers(inputs)}
    told["gates"] = gates_among(inputs)
    return answer_parcel("inputs", parcel, **told)


def _draw_gates(runner: Runner, message: Message) -> Answer:
    """Parameters and buffers, some of them in another size; whether any of them is another one."""
    reference = runner.reference(message)
    seed_all(message.body["seed"])
    known = reference.program.state()
    drawn = drawn_state(known, reference.gates, message.body["draw"])
    return answer_parcel("gates_drawn", pack(drawn or known), is_drawn=drawn is not None)


def _measure_inputs(runner: Runner, message: Message) -> Answer:
    """Bytes of the inputs, found out without making them; null where that cannot be."""
    return Answer("measured", {"num_bytes": measure_inputs(runner.reference(message).module)})


def _count_arithmetic(runner: Runner, message: Message) -> Answer:
    """Floating-point operations of a call on given inputs."""
    reference = runner.reference(message)
    call, tensors = _unmeasured_call(runner, message)
    return Answer("arithmetic_counted", count_arithmetic(call, [*tensors, *reference.program.live().values()]))


def _find_needed(runner: Runner, message: Message) -> Answer:
    """Which share of its arguments a call on given inputs needs, by argument, and bytes of parameters in all."""
    reference = runner.reference(message)
    call, tensors = _unmeasured_call(runner, message)
    live = reference.program.live()
    parameters = [live[name] for name in reference.program.parameters()]
    with torch.no_grad():
        shares = needed_shares([*tensors, *parameters], call)
    pairs = zip(shares[len(tensors) :], parameters, strict=True)
    state_bytes = sum(share * item.numel() * item.element_size() for share, item in pairs)
    return Answer("needed_found", {"shares": shares[: len(tensors)], "state_bytes": round(state_bytes)})


def _unmeasured_call(runner: Runner, message: Message) -> tuple[Callable[[], object], list[torch.Tensor]]:
    reference = runner.reference(message)
    seed_all(message.body["seed"])
    inputs, tensors = unpack(runner.inputs(message), runner.device)
    args, kwargs = arguments_of(inputs)
    reference.program.restore_state()
    return lambda: reference.model(*args, **kwargs), tensors


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


def _exact_gradients(runner: Runner, message: Message) -> Answer:
    """Its gradients in higher precision."""
    reference, body = runner.reference(message), message.body
    seed_all(body["seed"])
    inputs, weights = parted(body["parcels"], message.blobs)
    reference.program.restore_state()
    known, how = (reference.model, reference.module), (body["precision"], runner.device)
    question = Question(weights, body["places"], body["parameters"])
    return answer_gradients(pack(None), oracle.gradients_in_precision(known, inputs, how, body["nudge"], question))


def _compile_reference(runner: Runner, message: Message) -> Answer:
    """From now on the reference is called under `torch.compile`, which compiles it when it is called first."""
    reference = runner.reference(message)
    torch.compiler.reset()
    compiled = torch.compile(reference.model, mode=message.body["mode"], dynamic=False)
    program = Program(compiled, runner.device)
    runner.references[message.body["workload"]] = replace(reference, program=program)
    return Answer("reference_compiled")


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


def _forget(runner: Runner, _: Message) -> Answer:
    """Lets go of all references: what the process has of a GPU is free before it has ended."""
    runner.references.clear()
    runner.kept = None
    runner.give_all_back()
    return Answer("forgotten")


REFERENCE_HANDLERS: Final[dict[str, Handler]] = {
    "open_reference": _open_reference,
    "make_inputs": _make_inputs,
    "draw_gates": _draw_gates,
    "measure_inputs": _measure_inputs,
    "count_arithmetic": _count_arithmetic,
    "find_needed": _find_needed,
    "run_oracle": _run_oracle,
    "exact_gradients": _exact_gradients,
    "compile_reference": _compile_reference,
    "write_triton": _write_triton,
    "list_mutants": _list_mutants,
    "call_mutant": _call_mutant,
    "fingerprint": _fingerprint,
    "forget": _forget,
}
