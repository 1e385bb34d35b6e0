"""Functions of extensions are counted, and their results spoiled on request."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from curate_worker.runner.ablation import ExtensionCalls
from curate_worker.runner.altered_outputs import altered, have_same_numbers

ENORMOUS = 1e30
NUM_WRITTEN = 2


def write(given: torch.Tensor, out: torch.Tensor) -> None:
    """Writes its result into a tensor that it is given."""
    out.copy_(2 * given)


def extension() -> ModuleType:
    """Stands for a built module."""
    module = ModuleType("built")
    module.double = lambda x: 2 * x
    module.write = write
    module.kind = dict
    return module


def test_calls_are_counted_and_change_nothing() -> None:
    calls = ExtensionCalls()
    module = calls.watch(extension())
    assert torch.equal(module.double(torch.ones(3)), torch.full((3,), 2.0))
    assert [calls.take(), calls.take()] == [1, 0]
    assert module.kind is dict


def test_what_a_suppressed_call_gives_or_writes_is_spoiled_and_its_inputs_are_not() -> None:
    calls = ExtensionCalls(is_suppressed=True)
    module = calls.watch(extension())
    given, out = torch.ones(3), torch.zeros(3)
    module.write(given, out)
    assert bool((module.double(given) > ENORMOUS).all())
    assert bool((out > ENORMOUS).all())
    assert torch.equal(given, torch.ones(3))


def test_what_is_given_addresses_is_not_called() -> None:
    calls, seen = ExtensionCalls(is_suppressed=True), []
    module = ModuleType("built")
    module.launch = seen.append
    calls.watch(module).launch(140_000)
    assert seen == []


def test_what_a_launch_wrote_is_altered_and_what_it_read_is_not() -> None:
    given, out, mark, kept = torch.ones(4), torch.zeros(4), torch.zeros(2, dtype=torch.int32), torch.zeros(3)

    def launch(given: torch.Tensor, *, out: torch.Tensor, mark: torch.Tensor, kept: torch.Tensor) -> None:
        del kept
        write(given, out)
        mark.fill_(1)

    assert altered(launch, (given,), {"out": out, "mark": mark, "kept": kept}) == NUM_WRITTEN
    assert out.tolist() == [4.0, 3.5, 4.0, 3.5]
    assert mark.tolist() == [2, 2]
    assert torch.equal(given, torch.ones(4))
    assert torch.equal(kept, torch.zeros(3))


@pytest.mark.parametrize("dtype", [torch.bool, torch.float8_e4m3fn, torch.bfloat16, torch.complex64, torch.int8])
def test_numbers_of_any_kind_can_be_altered(dtype: torch.dtype) -> None:
    out = torch.zeros(6).to(dtype)
    assert altered(lambda item: item.copy_(torch.ones(6).to(dtype)), (out,), {}) == 1
    assert not have_same_numbers(out, torch.ones(6).to(dtype))
