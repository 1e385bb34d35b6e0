"""What a launch plan comes to on given inputs: sizes of what is allocated, launches with nothing left to compute."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .expressions import Facts, Number, PlanError, number, whole
from .launch_plan import Argument, LaunchPlan, Room

_MOST_BYTES: Final = 8 << 30
# https://docs.nvidia.com/cuda/cuda-c-programming-guide, compute capabilities: the largest of any device.
_MOST_GRID, _MOST_BLOCK, _MOST_SHARED = ((1 << 31) - 1, 65535, 65535), (1024, 1024, 64), 228 << 10
Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class ConcreteLaunch:
    """One launch."""

    kernel: str
    grid: Sizes
    block: Sizes
    shared_bytes: int
    arguments: tuple[str | bytes, ...]
    """Names of tensors, and numbers as the device reads them."""


Scope = dict[str, "Number | Facts"]


def scope_of(plan: LaunchPlan, given: Mapping[str, Number | Facts]) -> Scope:
    """Everything that expressions may name, for inputs and parameters that are given. Raises PlanError."""
    scope: Scope = dict(given)
    for name, text in plan.symbols.items():
        scope[name] = number(text, scope)
    return scope


def shapes_of_rooms(plan: LaunchPlan, scope: Scope, itemsizes: Mapping[str, int]) -> list[list[int]]:
    """Shapes of outputs and workspaces, which expressions may name afterwards. Raises PlanError."""
    shapes, total = [], 0
    for room in plan.rooms:
        shape = _shape_of(room, scope)
        if any(size < 0 for size in shape):
            raise PlanError(f"{room.name} would have the shape {shape}")
        facts = Facts(tuple(shape), _itemsize(room, itemsizes))
        total += facts.numel * facts.itemsize
        if total > _MOST_BYTES:
            raise PlanError(f"outputs and workspaces of more than {_MOST_BYTES} bytes")
        scope[room.name] = facts
        shapes.append(shape)
    return shapes


def launches_of(plan: LaunchPlan, scope: Scope) -> list[ConcreteLaunch]:
    """The launches that are made, in order; those over nothing are none. Raises PlanError."""
    found = []
    for launch in plan.launches:
        if not number(launch.when, scope):
            continue
        grid, block = _sizes(launch.grid, scope, _MOST_GRID), _sizes(launch.block, scope, _MOST_BLOCK)
        shared = whole(launch.shared_bytes, scope)
        if not 0 <= shared <= _MOST_SHARED:
            raise PlanError(f"{launch.kernel}: {shared} bytes of shared memory")
        if 0 in grid:
            continue
        if 0 in block:
            raise PlanError(f"{launch.kernel}: a block of {list(block)}")
        arguments = tuple(_packed(item, scope) for item in launch.arguments)
        found.append(ConcreteLaunch(launch.kernel, grid, block, shared, arguments))
    return found


def _shape_of(room: Room, scope: Scope) -> list[int]:
    if not isinstance(room.shape, str):
        return [whole(text, scope) for text in room.shape]
    like = scope.get(room.shape)
    if not isinstance(like, Facts):
        raise PlanError(f"{room.name}: there is no tensor {room.shape} whose shape it could have")
    return list(like.shape)


def _itemsize(room: Room, itemsizes: Mapping[str, int]) -> int:
    if room.dtype not in itemsizes:
        raise PlanError(f"{room.name}: there is no dtype {room.dtype[:40]}")
    return itemsizes[room.dtype]


def _sizes(texts: Sequence[str | int], scope: Scope, most: Sizes) -> Sizes:
    first, second, third = [*(whole(text, scope) for text in texts), 1, 1][:3]
    sizes = (first, second, third)
    if any(not 0 <= size <= limit for size, limit in zip(sizes, most, strict=True)):
        raise PlanError(f"a grid or block of {list(sizes)}, where at most {list(most)} can be")
    return sizes


def _packed(argument: Argument, scope: Scope) -> str | bytes:
    if argument.tensor is not None:
        return argument.tensor
    value = number(argument.value, scope)
    try:
        if argument.type.startswith("float"):
            return struct.pack(argument.code, float(value))
        return struct.pack(argument.code, bool(value) if argument.type == "bool" else whole(argument.value, scope))
    except (struct.error, OverflowError) as error:
        raise PlanError(f"{value} does not fit into {argument.type}") from error
