"""
Which of a candidate's parameters and buffers are which of the reference's. Parameters must be there, all of them and no
others, under the same names or in the same order of shapes: what is given the wrong one computes the wrong thing.
Buffers are a program's own affair: a mask that one keeps the other may compute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..values import Parcel
from .faults import Verdict

Shapes = dict[str, list[int]]


@dataclass(frozen=True)
class State:
    """Parameters and buffers of a program."""

    shapes: Shapes
    parameters: list[str]
    """Names of those that are parameters, in the order of registration."""
    shared: dict[str, str] = field(default_factory=dict)
    """Parameters that are one that was named before, and that name: the last layer may have the weight of the first."""

    @classmethod
    def told(cls, body: dict) -> State:
        """As a candidate's process tells; what it tells wrongly is a state that fits nothing."""
        shapes, parameters = body.get("state"), body.get("parameters")
        if not isinstance(shapes, dict) or not isinstance(parameters, list):
            return cls({}, [])
        return cls(shapes, [name for name in parameters if isinstance(name, str) and name in shapes])

    def of_parameters(self) -> Shapes:
        """Shapes of the parameters alone."""
        return {name: self.shapes[name] for name in self.parameters}

    def of_buffers(self) -> Shapes:
        """Shapes of the others."""
        return {name: shape for name, shape in self.shapes.items() if name not in self.parameters}


def shapes_of(state: Parcel) -> Shapes:
    """Shapes of the tensors in a state, by name."""
    names: Shapes = {}
    for name, item in state.tree["v"] if isinstance(state.tree, dict) else []:
        if isinstance(item, dict) and item["$"] == "tensor":
            names[name] = list(state.tensors[item["v"]].shape)
    return names


def is_counter(name: str) -> bool:
    """
    Whether it only counts calls, as PyTorch's normalisations do: nothing is computed from it unless `momentum` is None,
    and many honest programs leave it as it is.
    """
    return name.rpartition(".")[2] == "num_batches_tracked"


def names_of_state(wanted: State, given: State, proved_on: str, written: Iterable[str] = ()) -> dict[str, str]:
    """
    The reference's names by the candidate's. Raises a Verdict where parameters are missing, too many or others, or
    where there is no buffer for one of those that the reference has `written` into.
    """
    buffers = _names_of_buffers(wanted, given, written)
    absent = sorted(set(written) - set(wanted.parameters) - set(buffers.values()))
    if absent:
        text = f"missing: {', '.join(absent)}, which the reference writes into"
        raise Verdict("RUNTIME_ERROR", "load", "STATE_MISMATCH", "candidate", text, proved_on)
    mine, its = given.of_parameters(), wanted.of_parameters()
    if mine == its:
        return {name: name for name in mine} | buffers
    for theirs in (its, _named_once(wanted, mine)):
        if mine == theirs or (list(mine.values()) == list(theirs.values()) and set(mine) != set(theirs)):
            return dict(zip(mine, theirs, strict=True)) | buffers
    raise Verdict("RUNTIME_ERROR", "load", "STATE_MISMATCH", "candidate", _difference(its, mine), proved_on)


# Of a parameter with several names the one that the program has for it as well, or the first.
def _named_once(wanted: State, given: Shapes) -> Shapes:
    kept: dict[str, str] = {}
    for name in wanted.parameters:
        first = wanted.shared.get(name, name)
        if kept.setdefault(first, name) not in given and name in given:
            kept[first] = name
    return {name: wanted.shapes[name] for name in wanted.parameters if name in kept.values()}


# By name; those that are results also by the last part of it, in order, where a module is called otherwise.
def _names_of_buffers(wanted: State, given: State, written: Iterable[str]) -> dict[str, str]:
    mine, its = given.of_buffers(), wanted.of_buffers()
    known = {name: name for name, shape in mine.items() if its.get(name) == shape}
    for kind in dict.fromkeys(name.rpartition(".")[2] for name in written):
        others = [name for name in mine if name not in known and name.rpartition(".")[2] == kind]
        missing = [name for name in written if name in its and name not in known and name.rpartition(".")[2] == kind]
        if [mine[name] for name in others] == [its[name] for name in missing]:
            known |= dict(zip(others, missing, strict=True))
    return known


def _difference(wanted: Shapes, given: Shapes) -> str:
    missing, unexpected = sorted(set(wanted) - set(given)), sorted(set(given) - set(wanted))
    different = [
        f"{name} {given[name]} instead of {shape}"
        for name, shape in sorted(wanted.items())
        if name in given and given[name] != shape
    ]
    parts = [("missing", missing), ("unexpected", unexpected), ("shapes", different)]
    return "; ".join(f"{title}: {', '.join(items)}" for title, items in parts if items)
