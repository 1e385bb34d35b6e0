"""Outputs are read as what lies in memory: nothing of the program that made them runs meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import ClassVar, NoReturn

import numpy as np
import pytest
import torch
from curate_worker.values import pack, unpack
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


class FunctionMode(TorchFunctionMode):
    """Refuses every function."""

    def __torch_function__(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("a function was intercepted")


class DispatchMode(TorchDispatchMode):
    """Refuses every operator."""

    def __torch_dispatch__(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("an operator was intercepted")


class Items(list):
    """Says that it holds something else."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("its own iteration was asked")


class Number(float):
    """Says that it is something else."""

    def __float__(self) -> NoReturn:
        raise AssertionError("its own conversion was asked")


def fails(*_: object) -> NoReturn:
    """Stands for a method that computes."""
    raise AssertionError("its own method was asked")


def test_modes_of_a_program_see_nothing() -> None:
    tensor = torch.arange(6.0).reshape(2, 3).t()
    with FunctionMode(), DispatchMode():
        parcel = pack((tensor, np.float32(1.5)))
    assert torch.equal(unpack(parcel, "cpu")[1][0], tensor)
    assert parcel.tree == {"$": "tuple", "v": [{"$": "tensor", "v": 0}, 1.5]}


def test_attributes_of_one_tensor_are_not_asked() -> None:
    tensor = torch.arange(6.0)
    for name in (
        "resolve_conj",
        "resolve_neg",
        "detach",
        "as_strided",
        "view",
        "numpy",
        "stride",
        "storage_offset",
    ):
        setattr(tensor, name, fails)
    assert torch.equal(unpack(pack(tensor), "cpu")[1][0], torch.arange(6.0))


def test_containers_and_numbers_say_what_they_hold_and_not_what_they_tell() -> None:
    assert pack(Items([1, Number(2.5)])).tree == [1, 2.5]


class Attributes:
    """Says that it has other attributes."""

    __dataclass_fields__: ClassVar = {"first": 0, "second": 0, "third": 0}
    third = property(fails)

    def __init__(self) -> None:
        self.first, self.second = 1, 2

    def __getattribute__(self, name: str) -> NoReturn:
        raise AssertionError("its own lookup was asked")

    def __dir__(self) -> NoReturn:
        raise AssertionError("its own listing was asked")


class Dictionary(Attributes):
    """Says that it has another dictionary."""

    __dict__ = property(fails)  # type: ignore[assignment]


@dataclass(slots=True)
class Slots:
    """Keeps its fields in no dictionary."""

    first: int
    second: int


@pytest.mark.parametrize("make", [Attributes, partial(Slots, 1, 2), partial(SimpleNamespace, first=1, second=2)])
def test_fields_are_read_where_they_lie(make: Callable[[], object]) -> None:
    assert pack(make(), is_output=True).tree == {"$": "fields", "v": [["first", 1], ["second", 2]]}


def test_what_hides_its_attributes_has_none() -> None:
    value = object.__new__(Dictionary)
    assert pack(value, is_output=True).tree == {"$": "fields", "v": []}
