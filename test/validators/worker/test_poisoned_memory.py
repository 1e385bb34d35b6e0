"""Memory that a program asks for holds no answer, and writing past its end is seen."""

from __future__ import annotations

import ctypes

import torch
from curate_worker.judge.moved_state import with_parameters_moved
from curate_worker.runner.memory import have_same_bits
from curate_worker.runner.poisoned_memory import PoisonedMemory
from curate_worker.values import pack, unpack

HALF = 0.5 + 1e-6
LARGE = 1e38
ROOM = 1 << 18


def test_what_is_allocated_without_a_value_is_no_number() -> None:
    with PoisonedMemory() as memory:
        given = [torch.empty(3, 5), torch.empty_like(torch.ones(4)), torch.ones(2).new_empty(7), torch.zeros(3)]
    assert [bool(item.isnan().any() or (item > LARGE).any()) for item in given] == [True, True, True, False]
    assert memory.num_overrun == 0
    assert given[0].shape == (3, 5)
    assert given[0].is_contiguous()


def test_writing_past_an_end_is_seen_and_writing_within_is_not() -> None:
    with PoisonedMemory() as memory:
        out = torch.empty(3, dtype=torch.float32)
    out.fill_(1)
    assert memory.num_overrun == 0
    (ctypes.c_float * 4).from_address(out.data_ptr())[3] = 0.0
    assert memory.num_overrun == 1


def test_what_c_allocates_is_not_empty_either() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    with PoisonedMemory():
        place = library.malloc(ROOM)
        held = bytes((ctypes.c_ubyte * ROOM).from_address(place))
        library.free(place)
    assert set(held) == {0x7F}


def test_moved_parameters_are_others_of_the_same_signs_and_buffers_stay() -> None:
    weight = torch.randn(4, 3).t()
    state = pack({"a.weight": weight, "b.weight": weight, "mean": torch.ones(3), "count": torch.tensor(3)})
    moved = with_parameters_moved(state, ["a.weight", "b.weight"], 1)
    assert moved is not None
    found, _ = unpack(moved, "cpu")
    ratio = found["a.weight"] / weight
    assert float((ratio - 1).abs().max()) <= HALF
    assert ratio.unique().numel() == weight.numel()
    assert found["a.weight"].stride() == weight.stride()
    # A weight that two layers share stays one.
    assert have_same_bits(found["a.weight"], found["b.weight"])
    assert have_same_bits(found["mean"], torch.ones(3))
    assert with_parameters_moved(state, [], 1) is None
