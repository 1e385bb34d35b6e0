"""What a program gives: what it returns, and what it writes into that the reference writes into as well."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..containers import attributes_of
from ..effects import STATE, Effects
from ..values import Parcel, pack
from .given_memory import GivenMemory


def pack_result(output: object, inputs: list[torch.Tensor], effects: Effects, model: object) -> Parcel:
    """What a program returned, together with those inputs, parameters and buffers that it is to write into."""
    if not effects:
        return pack(output, is_output=True)
    live = model.state if isinstance(model, GivenMemory) else dict(live_tensors(model))
    state = {name: live.get(own) for name, own in effects["state"].items()}
    written = {"inputs": [inputs[index] for index in effects["inputs"]], STATE: state}
    returned = {"returned": output, **{kind: items for kind, items in written.items() if items}}
    return pack(returned, is_output=True)


def live_tensors(model: object, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """
    Parameters and buffers as they are now, by name. Read from where modules keep them: a module may compute in its own
    `state_dict`, or in what is hooked to it, when no clock runs any more.
    """
    if not isinstance(model, torch.nn.Module):
        return
    known = attributes_of(model)
    for kind in ("_parameters", "_buffers"):
        yield from ((f"{prefix}{name}", item) for name, item in _held(known, kind) if item is not None)
    for name, child in _held(known, "_modules"):
        if child is not None:
            yield from live_tensors(child, f"{prefix}{name}.")


# By the method of dictionaries themselves: one of a program's own may compute in its own.
def _held(known: dict[str, object], kind: str) -> list[tuple[str, object]]:
    held = known.get(kind)
    return list(dict.items(held)) if isinstance(held, dict) else []
