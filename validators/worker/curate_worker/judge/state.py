"""
Which of a candidate's parameters and buffers are which of the reference's. Parameters must be there, all of them and no
others, under the same names or in the same order of shapes: what is given the wrong one computes the wrong thing.
Buffers are a program's own affair: a mask that one keeps the other may compute.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..values import Parcel
from .faults import Verdict

Shapes = dict[str, list[int]]


@dataclass(frozen=True)
class State:
    """Parameters and buffers of a program."""

    shapes: Shapes
    parameters: list[str]
    """Names of those that are parameters, in the order of registration."""

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


def shapes_of(state: Parcel) -> Shapes:
    """Shapes of the tensors in a state, by name."""
    names: Shapes = {}
    for name, item in state.tree["v"] if isinstance(state.tree, dict) else []:
        if isinstance(item, dict) and item["$"] == "tensor":
            names[name] = list(state.tensors[item["v"]].shape)
    return names


def names_of_state(wanted: State, given: State, proved_on: str) -> dict[str, str]:
    """The reference's names by the candidate's. Raises a Verdict where parameters are missing, too many or others."""
    buffers = {
        name: name
        for name, shape in given.shapes.items()
        if name not in given.parameters and name not in wanted.parameters and wanted.shapes.get(name) == shape
    }
    mine, its = given.of_parameters(), wanted.of_parameters()
    if mine == its:
        return {name: name for name in mine} | buffers
    if list(mine.values()) == list(its.values()) and set(mine) != set(its):
        return dict(zip(mine, its, strict=True)) | buffers
    raise Verdict("RUNTIME_ERROR", "load", "STATE_MISMATCH", "candidate", _difference(its, mine), proved_on)


def _difference(wanted: Shapes, given: Shapes) -> str:
    missing, unexpected = sorted(set(wanted) - set(given)), sorted(set(given) - set(wanted))
    different = [
        f"{name} {given[name]} instead of {shape}"
        for name, shape in sorted(wanted.items())
        if name in given and given[name] != shape
    ]
    parts = [("missing", missing), ("unexpected", unexpected), ("shapes", different)]
    return "; ".join(f"{title}: {', '.join(items)}" for title, items in parts if items)
