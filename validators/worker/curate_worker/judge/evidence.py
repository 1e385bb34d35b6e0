"""What was seen of one candidate on one workload; the checks read it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .compare_values import Errors
from .mutants import MutantReport
from .stochastic import DrawsFinding
from .tolerance import Tolerance


@dataclass
class Evidence:
    """Facts, none of them a judgement."""

    proved_on: str
    oracle: str | None
    """Precision of the oracle; None where the reference's own output stood for it."""
    reference_mutates_inputs: bool
    """Whether inputs may be changed at all."""
    is_held_against_own: bool = False
    """Whether only tolerances come from the oracle, and outputs were held against the reference's own."""
    num_calls: int = 0
    errors: list[Errors] = field(default_factory=list)
    tolerances: list[Tolerance] = field(default_factory=list)
    mutated_inputs: set[int] = field(default_factory=set)
    aliased_inputs: set[int] = field(default_factory=set)
    overrun_inputs: set[int] | None = None
    """Inputs beyond whose ends the candidate wrote; None where nobody could see that."""
    overrun_outputs: int = 0
    """Tensors for outputs that it wrote past the ends of, over all calls where somebody watched."""
    returns_parameters: bool = False
    """Whether an output was the memory of a parameter or buffer."""
    has_twin_outputs: bool = False
    """Whether two outputs were the same memory."""
    changed_state: set[str] = field(default_factory=set)
    """Parameters and buffers that it wrote into."""
    hooks: set[str] = field(default_factory=set)
    """What it left in place to be called when nobody calls it."""
    is_late: bool = False
    """Whether it wrote to an output when the call had returned."""
    reuses_outputs: bool | None = None
    """Whether a second call wrote over what the first had returned; None before there was one."""
    follows_parameters: bool | None = None
    """Whether it was right with other parameters as well; None where there are none."""
    is_right_on_poison: bool | None = None
    """Whether it was right with memory that is not empty; None where that could not be tried."""
    layout_differs: str | None = None
    overlaps_itself: str | None = None
    """Which output has elements in the same memory, where the reference's have each their own."""
    repeats_exactly: bool | None = None
    """Whether a second call on the same input gave the same bits; None before there was one."""
    timed_pairs: int | None = None
    """Pairs of timed calls that count; None where nothing was timed. The output of every one was compared."""
    disturbed_pairs: int = 0
    """Pairs that were left out because other programs had the processor."""
    enough_pairs: bool = False
    clock_is_steady: bool | None = None
    """Whether the clock of the GPU stayed what it was in most timed calls; None where nobody read it."""
    clock_changes: str | None = None
    """What was wrong with it."""
    clock_confirms: bool | None = None
    """Whether the judge's own clock bears out the runner's; None where it cannot say."""
    clock_objection: str | None = None
    """Why it does not."""
    times_itself_right: bool | None = None
    """Whether the device was last seen to time a program against itself right; None where nobody looked."""
    self_timing_objection: str | None = None
    is_possible: bool | None = None
    """Whether its time is above what its device needs at least; None where nobody knows the device."""
    floor: str | None = None
    """What that is, where it came close to it."""
    distributions: list[str] = field(default_factory=list)
    """What else inputs were drawn from, beside the task's own."""
    left_out_distributions: list[str] = field(default_factory=list)
    """Those on which the reference itself cannot judge."""
    contracts: dict[str, tuple[bool | None, str | None]] = field(default_factory=dict)
    """How it fared on inputs that a contract may leave out: passed, and what was wrong."""
    backward: tuple[bool | None, str | None] = (None, None)
    """Whether its gradients are right, and why not or why nobody knows; None where the task has none."""
    mutants: MutantReport | None = None
    """How references with a mistake fared on this workload."""
    drawn: list[DrawsFinding] = field(default_factory=list)
    """Of stochastic operators, how its distribution fared, per input."""
    triton_launches: int = 0
    """Launches of Triton kernels that the runner counted, over all compared calls."""
    built_extensions: int = 0
    extension_calls: int = 0
    """Calls of functions of built extensions that the runner counted, likewise."""
    work: dict | None = None
    """How much of a call is its own work; None where that was not measured."""
    depends_on_kernels: bool | None = None
    """Whether outputs are wrong when its kernels do nothing; None where that was not tried."""

    @property
    def has_own_kernel(self) -> bool:
        """Whether it built or launched anything of its own."""
        return bool(self.triton_launches or self.built_extensions)

    def correctness(self) -> dict | None:
        """The `correctness` field of a row."""
        if self.num_calls == 0:
            return None
        references = [item.reference_error for item in self.tolerances if item.reference_error is not None]
        return {
            "num_calls": self.num_calls,
            "max_absolute_error": _largest([error.max_absolute for error in self.errors]),
            "max_relative_error": _largest([error.max_relative for error in self.errors]),
            "tolerance_atol": max((item.atol for item in self.tolerances), default=0.0),
            "tolerance_rtol": max((item.rtol for item in self.tolerances), default=0.0),
            "reference_error": _largest(references),
            "effective_bits": _bits(_largest([error.rmse for error in self.errors])),
            "reference_effective_bits": _bits(_largest([item.reference_rmse for item in self.tolerances])),
        }


# Of what is exact there is no number of bits.
def _bits(rmse: float | None) -> float | None:
    return None if rmse is None or rmse <= 0.0 else -math.log2(rmse)


def _largest(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known and all(math.isfinite(value) for value in known) else None
