"""Large tensors of a model are drawn elsewhere and are what they were."""

from __future__ import annotations

import torch
from curate_worker.runner.quick_draws import _QuickDraws, quick_draws
from torch.utils._python_dispatch import TorchDispatchMode

LOW, HIGH = 2.0, 3.0


class Seen(TorchDispatchMode):
    """Counts what is filled from elsewhere."""

    copies = 0

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        self.copies += str(function).startswith("aten.copy_")
        return function(*args, **(kwargs or {}))


def test_large_parameters_stay_parameters_on_the_processor_and_hold_what_was_asked_for() -> None:
    with torch.no_grad(), Seen() as seen, _QuickDraws("cpu"):
        linear, drawn = torch.nn.Linear(1024, 1024), torch.randn(1024, 1024)
        known = torch.empty(1 << 20, dtype=torch.float16).uniform_(LOW, HIGH)
    assert seen.copies == len((linear.weight, known))
    assert linear.weight.is_leaf and linear.weight.requires_grad and linear.weight.device.type == "cpu"
    assert 0 < float(linear.weight.abs().max()) <= 1 / 32
    assert abs(float(drawn.std()) - 1) < 1 / 100
    assert known.dtype == torch.float16 and LOW <= float(known.min()) <= float(known.max()) <= HIGH


def test_without_a_gpu_and_for_small_tensors_nothing_changes() -> None:
    torch.manual_seed(5)
    wanted = torch.randn(8), torch.empty(3).uniform_()
    for mode in (quick_draws("cpu"), _QuickDraws("cpu")):
        torch.manual_seed(5)
        with Seen() as seen, mode:
            given = torch.randn(8), torch.empty(3).uniform_()
        assert seen.copies == 0
        assert all(torch.equal(mine, other) for mine, other in zip(given, wanted, strict=True))
