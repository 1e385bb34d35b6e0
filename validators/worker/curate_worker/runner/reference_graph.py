"""Traces a reference into a graph of ATen operators without computing anything: tensors are fake and take no memory."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from types import ModuleType
from typing import Final

import torch
from torch._decomp import core_aten_decompositions, get_decompositions
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call, functionalize
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_leaves, tree_map

from .arguments import arguments_of
from .errors import FaultInInput
from .graph_terms import text_of_graph
from .plain_attention import written_out_attention

_ATEN: Final = torch.ops.aten
# Beside what PyTorch itself takes apart for compilers: what people write out by hand.
_TAKEN_APART: Final = [
    *(_ATEN._softmax, _ATEN._log_softmax, _ATEN.native_layer_norm, _ATEN.silu),
    *(_ATEN.addmm, _ATEN.baddbmm, _ATEN.t, _ATEN.transpose),
]
_MOST_NODES: Final = 50_000


def fingerprint(load: Callable[[], ModuleType]) -> str:
    """
    The same for references whose graphs are equal, shapes aside. Raises what the reference raises, which it also does
    where its graph depends on the values of tensors.
    """
    failures: list[Exception] = []
    # Constructors that look at values fail on fake tensors; gradients, where none are recorded.
    for makes_fake, gradients in ((True, False), (True, True), (False, False)):
        try:
            with torch.set_grad_enabled(gradients), written_out_attention():
                text = _text(_graph(load, makes_fake=makes_fake))
            return hashlib.sha256(text.encode()).hexdigest()[:32]
        except Exception as error:
            failures.append(error)
    raise failures[0]


def warm_up() -> None:
    """Loads what tracing needs, for processes that are forked from this one."""
    module = ModuleType("warm_up")
    module.Model, module.get_init_inputs = torch.nn.ReLU, list
    module.get_inputs = lambda: [torch.ones(2)]
    fingerprint(lambda: module)


def _graph(load: Callable[[], ModuleType], *, makes_fake: bool) -> GraphModule:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with mode if makes_fake else contextlib.nullcontext():
        module = load()
        args, kwargs = arguments_of(module.get_init_inputs())
        with torch.no_grad():
            model = module.Model(*args, **kwargs)
        inputs = module.get_inputs()
    state: dict[str, torch.Tensor] = {}
    if isinstance(model, torch.nn.Module):
        state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    if not makes_fake:
        state, inputs = tree_map(lambda item: _faked(item, mode), (state, inputs))

    def run(state: dict[str, torch.Tensor], inputs: object) -> list[torch.Tensor]:
        args, kwargs = arguments_of(inputs)
        result = functional_call(model, state, tuple(args), kwargs) if state else model(*args, **kwargs)
        return [item for item in tree_leaves(result) if isinstance(item, torch.Tensor)]

    table = {**core_aten_decompositions(), **get_decompositions(_TAKEN_APART)}
    with mode:
        return make_fx(functionalize(run, remove="mutations_and_views"), table)(state, inputs)


def _faked(item: object, mode: FakeTensorMode) -> object:
    return mode.from_tensor(item) if isinstance(item, torch.Tensor) else item


def _text(graph: GraphModule) -> str:
    nodes = list(graph.graph.nodes)
    if len(nodes) > _MOST_NODES:
        raise FaultInInput("GRAPH_TOO_LARGE", f"{len(nodes)} operators are too many")
    return text_of_graph(nodes)
