"""
How much arithmetic a call of a reference takes: products, convolutions and attention, counted as PyTorch counts them
(`torch.utils.flop_counter`, a multiplication and an addition being two). And how much of it nobody can do without.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .memory import Place, memory_of, shared_places
from .uncompiled import Uncompiled

# Winograd's F(4x4, 3x3) needs a quarter of the multiplications (https://arxiv.org/abs/1509.09308).
_CONVOLUTION_SAVING = 4


@dataclass
class Arithmetic(Uncompiled, TorchDispatchMode):
    """Counts what runs within it."""

    given: list[Place]
    """Where arguments and parameters lie."""
    by_dtype: Counter[str] = field(default_factory=Counter)
    """Floating-point operations by the dtype of their operands."""
    unavoidable: list[int] = field(default_factory=list)
    """Of each counted operator, what an implementation cannot save; 0 where nobody knows."""
    results: list[int] = field(default_factory=list)
    """Elements that each of them gives."""

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        """Runs an operator and counts it."""
        del types
        from torch.utils.flop_counter import flop_registry  # noqa: PLC0415

        output = function(*args, **(kwargs or {}))
        formula = flop_registry.get(getattr(function, "_overloadpacket", None))
        if formula is not None:
            self._count(str(function), formula(*args, **(kwargs or {}), out_val=output), args, output)
        return output

    def _count(self, name: str, count: int, args: tuple, output: object) -> None:
        operands = [item for item in tree_leaves(args) if isinstance(item, torch.Tensor)]
        tensors = [item for item in tree_leaves(output) if isinstance(item, torch.Tensor)]
        if not operands or not tensors:
            return
        self.by_dtype[str(operands[-1].dtype).removeprefix("torch.")] += count
        saved = _CONVOLUTION_SAVING if "convolution" in name else 1
        # Who multiplies something that was worked out before may work it out otherwise.
        is_direct = all(self._is_given(item) for item in operands) and "attention" not in name
        self.unavoidable.append(count // saved if is_direct else 0)
        self.results.append(tensors[0].numel())

    def _is_given(self, tensor: torch.Tensor) -> bool:
        is_repeated = any(stride == 0 and size > 1 for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
        return not is_repeated and bool(shared_places([memory_of(tensor)], self.given))


def count_arithmetic(call: Callable[[], object], given: list[torch.Tensor]) -> dict[str, object]:
    """
    Floating-point operations of a call, `given` being its arguments and parameters; the dtype of most of them; and how
    many of them nobody can do without: those of the one product of what was given, where as much comes out of the call
    as of the product. Two products may be taken in another order, and of a product that is summed up less is needed.
    """
    with torch.no_grad(), Arithmetic([memory_of(item) for item in given]) as counted:
        output = call()
    total = sum(counted.by_dtype.values())
    most = counted.by_dtype.most_common(1)
    elements = sum(math.prod(item.shape) for item in tree_leaves(output) if isinstance(item, torch.Tensor))
    is_single = len(counted.unavoidable) == 1 and counted.results[0] <= elements
    return {
        "flops": total,
        "dtype": most[0][0] if most else None,
        "unavoidable": counted.unavoidable[0] if is_single else 0,
    }
