"""Large tensors of a model are drawn elsewhere and are what they were."""

from __future__ import annotations

import pytest
import torch
from curate_worker.runner.quick_draws import RoomNeeded, _QuickDraws, made_quickly
from torch.utils._python_dispatch import TorchDispatchMode

LOW, HIGH = 2.0, 3.0
GIGANTIC = 512 << 20


class Seen(TorchDispatchMode):
    """Counts what is filled from elsewhere."""

    copies = 0

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        self.copies += str(function).startswith("aten.copy_")
        return function(*args, **(kwargs or {}))


def test_large_parameters_stay_parameters_on_the_processor_and_hold_what_was_asked_for() -> None:
    with torch.no_grad(), Seen() as seen, _QuickDraws("cpu", away=None):
        linear, drawn = torch.nn.Linear(1024, 1024), torch.randn(1024, 1024)
        known = torch.empty(1 << 20, dtype=torch.float16).uniform_(LOW, HIGH)
    assert seen.copies == len((linear.weight, known))
    assert linear.weight.is_leaf and linear.weight.requires_grad and linear.weight.device.type == "cpu"
    assert 0 < float(linear.weight.abs().max()) <= 1 / 32
    assert abs(float(drawn.std()) - 1) < 1 / 100
    assert known.dtype == torch.float16 and LOW <= float(known.min()) <= float(known.max()) <= HIGH


def _few() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    return torch.randn(8), torch.empty(3).uniform_()


def test_without_a_gpu_and_for_small_tensors_nothing_changes() -> None:
    wanted = _few()
    for make in (lambda: made_quickly(_few, "cpu"), lambda: made_quickly(_few, "meta")):
        with Seen() as seen:
            given = make()
        assert seen.copies == 0
        assert all(torch.equal(mine, other) for mine, other in zip(given, wanted, strict=True))


def test_what_takes_gigabytes_is_made_where_it_will_be() -> None:
    def make() -> list[torch.Tensor]:
        with torch.no_grad():
            return [torch.nn.Linear(1 << 14, 1 << 13).weight, torch.zeros(GIGANTIC, dtype=torch.uint8), torch.zeros(8)]

    assert [item.device.type for item in made_quickly(make, "meta")] == ["meta", "meta", "cpu"]


def test_a_constructor_that_needs_it_on_the_processor_is_called_once_more_and_finds_it_there() -> None:
    calls = []

    def make() -> torch.Tensor:
        calls.append(1)
        table = torch.zeros(GIGANTIC, dtype=torch.uint8)
        return torch.from_numpy(table.numpy()[:8])

    assert made_quickly(make, "meta").device.type == "cpu"
    assert len(calls) == len(("made away", "made here"))


def test_what_a_constructor_raises_without_such_tensors_is_raised_at_once() -> None:
    calls = []

    def make() -> None:
        calls.append(1)
        raise ValueError("no such size")

    with pytest.raises(ValueError, match="no such size"):
        made_quickly(make, "meta")
    assert len(calls) == 1


def test_room_is_asked_for_before_anything_large_is_made_and_for_nothing_small() -> None:
    with pytest.raises(RoomNeeded) as needed:
        made_quickly(lambda: torch.zeros(GIGANTIC, dtype=torch.uint8).tolist(), "cuda", asks_for_room=True)
    assert needed.value.num_bytes == GIGANTIC
    assert torch.equal(made_quickly(lambda: torch.ones(3), "cuda", asks_for_room=True), torch.ones(3))
