"""Gradients of what a program returns, with respect to inputs and to parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..containers import fields_of
from ..values import Parcel, rebuild, unpack
from .errors import FaultInInput


@dataclass(frozen=True)
class Question:
    """Which gradients are asked for, of which sum of outputs."""

    weights: Parcel
    """By the place of an output, what it is multiplied by before all are summed up."""
    places: list[int]
    """Inputs, by their place among tensors."""
    parameters: list[str] | None
    """Names; None for all that are trained and have one name only."""


@dataclass(frozen=True)
class Gradients:
    """What came of it."""

    output: object
    by_name: dict[str, torch.Tensor | None]
    """`input 0`, `parameter weight`; None where none came."""
    attached: list[str]
    """Places of outputs that anything was recorded for."""
    has_own_backward: bool
    """Whether any derivative in it is the program's and not PyTorch's."""


def places_with_gradient(inputs: object) -> list[int]:
    """Tensors of what `get_inputs` gave that ask for a gradient, in the order in which they are sent."""
    found = enumerate(item for _, item in _placed(inputs, ""))
    return [place for place, item in found if item.requires_grad and item.is_floating_point()]


def gradients_of(
    model: object, inputs: Parcel, tensors: list[torch.Tensor], device: str, question: Question
) -> Gradients:
    """Calls a model with gradients recorded; `tensors` are those of `inputs`. Raises what the program raises."""
    leaves = {f"input {place}": tensors[place].detach().requires_grad_() for place in question.places}
    for place, leaf in zip(question.places, leaves.values(), strict=True):
        tensors[place] = leaf
    value = rebuild(inputs.tree, tensors.__getitem__, device)
    args, kwargs = ([], value) if isinstance(value, dict) else (value, {})
    weights, _ = unpack(question.weights, device)
    if not callable(model) or not isinstance(args, (list, tuple)) or not isinstance(weights, dict):
        raise FaultInInput("REF_INVALID", "nothing that can be called with these inputs")
    leaves |= _parameters_of(model, question.parameters)
    with torch.enable_grad():
        output = model(*args, **kwargs)
        known = {place: item for place, item in _placed(output, "output") if item.requires_grad and place in weights}
        found: list[torch.Tensor | None] = [None] * len(leaves)
        if known and leaves:
            factors = [weights[place].to(item.dtype) for place, item in known.items()]
            sources = list(leaves.values())
            found = list(torch.autograd.grad(list(known.values()), sources, factors, allow_unused=True))
    is_own = _has_own_backward(list(known.values())) or any(leaf._backward_hooks for leaf in leaves.values())
    return Gradients(output, dict(zip(leaves, found, strict=True)), list(known), is_own)


# `torch.autograd.Function` in Python, and what C++ derives from its own.
def _has_own_backward(outputs: list[torch.Tensor]) -> bool:
    waiting: list = [item.grad_fn for item in outputs]
    seen: set = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, torch.autograd.function.BackwardCFunction) or "CppNode" in node.name():
            return True
        waiting += [other for other, _ in node.next_functions]
    return False


# What has two names has one gradient, which programs that keep it twice would have in two parts.
def _parameters_of(model: object, names: list[str] | None) -> dict[str, torch.Tensor]:
    if not isinstance(model, torch.nn.Module):
        return {}
    every = dict(model.named_parameters(remove_duplicate=False))
    trained = {name: item for name, item in every.items() if item.requires_grad}
    if names is None:
        shared = [id(item) for item in trained.values()]
        trained = {name: item for name, item in trained.items() if shared.count(id(item)) == 1}
    chosen = trained if names is None else {name: trained[name] for name in names if name in trained}
    return {f"parameter {name}": item for name, item in chosen.items()}


# In the order, and with the places, that the judge knows outputs by.
def _placed(value: object, place: str) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _placed(item, f"{place}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _placed(item, f"{place}[{index}]")
    else:
        for name, item in fields_of(value) or []:
            yield from _placed(item, f"{place}[{name!r}]")
