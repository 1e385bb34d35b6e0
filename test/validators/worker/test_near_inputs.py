"""Inputs that differ by an element or two, so that whoever knows them by a sample or a sum gives the old answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from curate_worker.judge.cases import with_one_element_replaced, with_two_elements_exchanged
from curate_worker.values import Parcel, pack, unpack

_SEED = 10_000_000_019
_DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float8_e4m3fn]

Change = Callable[[Parcel, int], Parcel | None]


def _changed(change: Change, *tensors: torch.Tensor) -> list[torch.Tensor] | None:
    found = change(pack(list(tensors)), _SEED)
    return None if found is None else unpack(found, "cpu")[1]


def _numbers(tensor: torch.Tensor) -> list[float]:
    return tensor.double().flatten().tolist()


@pytest.mark.parametrize("dtype", _DTYPES)
def test_one_element_of_every_tensor_is_another_of_it(dtype: torch.dtype) -> None:
    old = torch.arange(1, 12).to(dtype)
    new = _changed(with_one_element_replaced, old, old.view(1, 11))
    assert new is not None
    for tensor in new:
        others = [(was, now) for was, now in zip(_numbers(old), _numbers(tensor), strict=True) if was != now]
        assert len(others) == 1
        assert others[0][1] in _numbers(old)


@pytest.mark.parametrize("dtype", _DTYPES)
def test_two_elements_change_places_and_no_sum_is_another(dtype: torch.dtype) -> None:
    old = torch.arange(1, 12).to(dtype)
    new = _changed(with_two_elements_exchanged, old)
    assert new is not None
    assert _numbers(new[0]) != _numbers(old)
    assert sorted(_numbers(new[0])) == sorted(_numbers(old))


@pytest.mark.parametrize("change", [with_one_element_replaced, with_two_elements_exchanged])
def test_whole_numbers_and_single_ones_stay(change: Change) -> None:
    places, scale = torch.arange(11), torch.tensor([3.0])
    new = _changed(change, places, torch.arange(1.0, 12.0), scale)
    assert new is not None
    assert torch.equal(new[0], places)
    assert torch.equal(new[2], scale)


@pytest.mark.parametrize("change", [with_one_element_replaced, with_two_elements_exchanged])
def test_what_says_the_same_everywhere_cannot_be_changed_so(change: Change) -> None:
    assert _changed(change, torch.ones(8), torch.arange(8)) is None
