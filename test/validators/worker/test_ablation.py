"""Functions of extensions are counted, and their results spoiled on request."""

from __future__ import annotations

from types import ModuleType

import torch
from curate_worker.runner.ablation import ExtensionCalls

ENORMOUS = 1e30


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
