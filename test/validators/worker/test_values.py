"""Values and tensors that cross between processes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from curate_worker.judge.leaves import leaves_of
from curate_worker.tensors import DTYPES, Malformed, NotTransferable
from curate_worker.values import Parcel, pack, parcel_of, unpack


def crossed(value: object) -> object:
    """The value after it went through the checks of the receiving side."""
    sent = pack(value)
    return unpack(parcel_of(received_body(sent), sent.blobs), "cpu")[0]


def received_body(parcel: Parcel) -> dict:
    """The JSON part as the other side reads it: tuples have become lists."""
    body = parcel.body()
    for tensor in body["tensors"]:
        tensor["shape"], tensor["strides"] = (
            list(tensor["shape"]),
            list(tensor["strides"]),
        )
    return body


@pytest.mark.parametrize("name", sorted(DTYPES))
def test_every_dtype_keeps_its_bits(name: str) -> None:
    raw = torch.arange(64, dtype=torch.uint8)
    tensor = (raw % 2).view(torch.bool) if name == "bool" else raw.view(DTYPES[name])
    back = crossed(tensor)
    assert back.dtype == tensor.dtype
    assert torch.equal(back.view(torch.uint8), tensor.view(torch.uint8))


LAYOUTS = {
    "transposed": torch.arange(12.0).reshape(3, 4).t(),
    "sliced": torch.arange(40.0).reshape(5, 8)[1:4, ::3],
    "expanded": torch.arange(3.0).reshape(3, 1).expand(3, 1000),
    "empty": torch.empty(0, 5),
    "scalar": torch.tensor(3.5),
    "offset": torch.arange(10.0)[3:],
    "conjugated": torch.tensor([1 + 2j, 3 - 1j]).conj(),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_every_layout_keeps_shape_strides_and_values(layout: str) -> None:
    tensor = LAYOUTS[layout]
    back = crossed(tensor)
    assert torch.equal(back, tensor)
    assert (back.shape, back.stride()) == (tensor.shape, tensor.stride())


def test_an_expanded_tensor_costs_only_what_it_holds() -> None:
    assert pack(LAYOUTS["expanded"]).num_bytes == 3 * 4


def test_a_parcel_is_a_copy() -> None:
    tensor = torch.zeros(4)
    sent = pack(tensor)
    tensor.fill_(1)
    assert torch.equal(unpack(sent, "cpu")[0], torch.zeros(4))


def test_tensors_arrive_aligned_as_pytorch_aligns_them() -> None:
    from curate_worker.tensors import room_for  # noqa: PLC0415

    for size in (1, 100, 1 << 20):
        assert torch.frombuffer(room_for(size), dtype=torch.uint8).data_ptr() % 64 == 0


def test_plain_values_and_containers_cross() -> None:
    value = [
        None,
        True,
        3,
        2.5,
        "text",
        (1, [2]),
        {"a": 1, 2: (3,)},
        1 + 2j,
        torch.float16,
        np.float32(0.5),
    ]
    assert crossed(value) == [
        None,
        True,
        3,
        2.5,
        "text",
        (1, [2]),
        {"a": 1, 2: (3,)},
        1 + 2j,
        torch.float16,
        0.5,
    ]
    assert crossed(torch.device("cuda")) == torch.device("cpu")
    special = crossed([math.inf, -math.inf, math.nan])
    assert special[:2] == [math.inf, -math.inf]
    assert math.isnan(special[2])


@dataclass
class Plain:
    """Holds values and computes nothing."""

    size: int
    scale: float = 2.0


@dataclass
class Computing(Plain):
    """Computes as well."""

    @property
    def half(self) -> int:
        return self.size // 2


def test_an_object_that_computes_nothing_crosses_as_its_fields() -> None:
    assert crossed([Plain(3)]) == [SimpleNamespace(size=3, scale=2.0)]
    assert crossed(SimpleNamespace(a=(1,))) == SimpleNamespace(a=(1,))


def test_of_what_a_program_returns_fields_are_all_that_counts() -> None:
    sent = pack(Computing(3), is_output=True)
    assert [leaf.place for leaf in leaves_of(sent)] == ["output['scale']", "output['size']"]


@pytest.mark.parametrize(
    "value",
    [
        lambda x: x,
        Computing(3),
        Plain,
        object(),
        {1, 2},
        torch.eye(3).to_sparse(),
        torch.nn.Linear(1, 1),
        torch.empty(1, device="meta"),
    ],
)
def test_what_cannot_cross_is_named(value: object) -> None:
    with pytest.raises(NotTransferable):
        pack(value)


def test_an_object_of_its_own_class_is_told_apart() -> None:
    class Later(torch.Tensor):
        pass

    assert pack(torch.zeros(2).as_subclass(Later)).tensors[0].is_subclass
    assert not pack(torch.nn.Parameter(torch.zeros(2))).tensors[0].is_subclass


def forged(**changes: object) -> dict:
    sent = pack(torch.zeros(4))
    sent.tensors = [replace(sent.tensors[0], **changes)]
    return received_body(sent)


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": (1 << 40,)},
        {"shape": (5,)},
        {"shape": (-4,)},
        {"strides": (-1,)},
        {"strides": (1, 1)},
        {"shape": (4.0,)},
        {"dtype": "object"},
        {"device": 3},
    ],
)
def test_a_forged_descriptor_is_refused(changes: dict) -> None:
    with pytest.raises(Malformed):
        parcel_of(forged(**changes), pack(torch.zeros(4)).blobs)


NESTED: object = 1
for _ in range(100):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    "tree",
    [
        {"$": "tensor", "v": 1},
        {"$": "tensor", "v": -1},
        {"$": "tensor", "v": "0"},
        {"$": "code", "v": "import os"},
        {"$": "dict", "v": [[[], 1]]},
        {"$": "dict", "v": [1]},
        {"$": "tuple", "v": 3},
        {"$": "float", "v": "1e5"},
        {"$": "complex", "v": [1]},
        {"$": ["tensor"], "v": 0},
        {"other": 1},
        NESTED,
    ],
)
def test_a_forged_value_is_refused(tree: object) -> None:
    body = received_body(pack(torch.zeros(4))) | {"tree": tree}
    with pytest.raises(Malformed):
        parcel_of(body, pack(torch.zeros(4)).blobs)
