"""Makes the inputs of a call with the reference's own `get_inputs`, from a seed that it does not choose."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Final

import numpy as np
import torch
from torch.utils._pytree import tree_leaves, tree_map

from ..order import in_order_of
from .dice import LoadedDice
from .gates import DRAWS, can_draw, constant_of, drawn_gate
from .other_orders import reordered
from .parameters import alike_where_equal, can_be_moved, is_constant, is_constant_integer, move_apart, vary_integers

_MAX_SEED: Final = 1 << 32
_JITTER, _SHARE_OF_NUMBERS = 0.5, 0.25


def seed_all(seed: int) -> None:
    """Seeds every generator that a program may draw from."""
    if _may_use_gpu():
        torch.manual_seed(seed)
    else:
        # All that the other does here, but for noting where it was called from, for a GPU that may yet come.
        torch.default_generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % _MAX_SEED)


# To ask the driver would wake it.
@cache
def _may_use_gpu() -> bool:
    return torch.backends.cuda.is_built() and os.environ.get("CUDA_VISIBLE_DEVICES") != ""


def make_inputs(module: ModuleType, device: str, how: dict) -> object:
    """
    Inputs from `seed`, drawn by `dice`: a name or None. `vary` moves the elements of constant tensors apart,
    `vary_integers` those of integers and truth values; `gates` draws constant tensors in another size; `jitter` names
    tensors, by their place, whose numbers are changed although no seed does, and `reorder` those whose integers are;
    `numbers` is a seed for numbers with a fraction that are no tensors. With `scaled` dice also change inputs that are
    uniform numbers times a size; `tame` leaves all that was drawn from zero to one there.
    """
    inputs = reordered(_drawn(module.get_inputs, device, how), set(how.get("reorder", ())), _dice_of)
    if how.get("gates") is not None:
        inputs = tree_map(lambda item: _gated(item, how["gates"]), inputs)
    elif how["vary"]:
        inputs = tree_map(_varied, inputs)
    if how["vary_integers"]:
        inputs = tree_map(_varied_integers, inputs)
    if how.get("numbers") is not None:
        inputs = _with_other_numbers(inputs, how["numbers"])
    return _jittered(inputs, set(how["jitter"]))


def shaped_inputs(module: ModuleType) -> object:
    """Inputs of which only shapes and types matter: without memory where they can be made so."""
    try:
        with torch.device("meta"), _other_seeds_ignored():
            return module.get_inputs()
    except Exception:
        with _other_seeds_ignored():
            return module.get_inputs()


def measure_inputs(module: ModuleType) -> int | None:
    """Bytes of what `get_inputs` gives, made where nothing takes memory; None where it cannot be made there."""
    try:
        with torch.device("meta"), _other_seeds_ignored():
            tensors = [item for item in tree_leaves(module.get_inputs()) if isinstance(item, torch.Tensor)]
    except Exception:
        return None
    return sum(item.numel() * item.element_size() for item in tensors)


# On the device where the reference allows it: that is a thousand times quicker.
def _drawn(get_inputs: Callable[[], object], device: str, how: dict) -> object:
    try:
        place = torch.device(device) if device != "cpu" else contextlib.nullcontext()
        return _drawn_in(place, get_inputs, how)
    except torch.OutOfMemoryError:
        # Gigabytes take minutes to make on the processor; whoever asked tries again when others are gone.
        torch.cuda.empty_cache()
        return _drawn_in(torch.device(device), get_inputs, how)
    except RuntimeError:
        if device == "cpu":
            raise
        return _drawn_in(contextlib.nullcontext(), get_inputs, how)


def _drawn_in(place: contextlib.AbstractContextManager, get_inputs: Callable[[], object], how: dict) -> object:
    seed_all(how["seed"])
    if how["dice"] is None:
        with place, _other_seeds_ignored():
            return get_inputs()
    dice = LoadedDice(how["dice"], is_scaled=how.get("scaled") is True)
    with place, _other_seeds_ignored(), dice:
        inputs = get_inputs()
    if not how["tame"]:
        # In place, which those that ask for a gradient allow only where nothing is recorded.
        with torch.no_grad():
            dice.change_returned(tree_leaves(inputs))
    return inputs


def _varied(item: object) -> object:
    return move_apart(item.clone(), _dice_of(item)) if isinstance(item, torch.Tensor) and is_constant(item) else item


def _gated(item: object, draw: str) -> object:
    constant = constant_of(item)
    is_drawn = isinstance(item, torch.Tensor) and constant is not None and can_draw(constant, draw)
    return drawn_gate(item, constant, draw) if is_drawn else item


def gates_among(inputs: object) -> list[str]:
    """In which other sizes something among the inputs can be drawn, since it says the same everywhere."""
    constants = [constant for item in tree_leaves(inputs) if (constant := constant_of(item)) is not None]
    return [draw for draw in DRAWS if any(can_draw(constant, draw) for constant in constants)]


def _varied_integers(item: object) -> object:
    is_constant_one = isinstance(item, torch.Tensor) and is_constant_integer(item)
    return vary_integers(item, _dice_of(item)) if is_constant_one else item


def has_constant_integers(inputs: object) -> bool:
    """Whether any of the inputs holds integers or truth values that are all the same."""
    return any(isinstance(item, torch.Tensor) and is_constant_integer(item) for item in tree_leaves(inputs))


# Equal tensors stay equal: tests give the same one to both sides under two names.
def _dice_of(item: torch.Tensor) -> torch.Generator:
    first = float(item.flatten()[0]) if item.numel() else 0.0
    text = f"{tuple(item.shape)} {item.dtype} {first} {torch.initial_seed()}"
    return torch.Generator().manual_seed(zlib.crc32(text.encode()))


def _jittered(inputs: object, places: set[int]) -> object:
    if not places:
        return inputs
    counter = itertools.count()

    def change(item: object) -> object:
        if not isinstance(item, torch.Tensor) or next(counter) not in places or not can_be_moved(item):
            return item
        factors = 1 + _JITTER * (alike_where_equal(item, torch.rand(item.shape, generator=_dice_of(item))) * 2 - 1)
        return in_order_of(item, item * factors.to(item.device, item.dtype))

    return tree_map(change, inputs)


# The same ones from the same seed: a kernel may be compiled for each.
def _with_other_numbers(inputs: object, seed: int) -> object:
    dice = random.Random(seed)
    return tree_map(
        lambda item: item * (1 + _SHARE_OF_NUMBERS * dice.uniform(-1, 1)) if type(item) is float else item, inputs
    )


# References seed themselves so that their own tests repeat; here that would make every call's inputs the same.
@contextlib.contextmanager
def _other_seeds_ignored() -> Iterator[None]:
    known = [(place, name, getattr(place, name)) for place, name in _SEEDING]
    for place, name, _ in known:
        setattr(place, name, lambda *_: None)
    try:
        yield
    finally:
        for place, name, original in known:
            setattr(place, name, original)


_SEEDING: Final = [
    *((torch, "manual_seed"), (torch.random, "manual_seed"), (torch, "seed")),
    *((torch.cuda, "manual_seed"), (torch.cuda, "manual_seed_all"), (random, "seed"), (np.random, "seed")),
]
