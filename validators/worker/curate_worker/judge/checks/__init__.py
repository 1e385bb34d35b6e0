"""
The findings that become rows of `checks`. A check is a file with `CHECK` in it and a line below; it reads the evidence
and says passed, failed or does not apply (None), with a detail.
"""

from __future__ import annotations

from ..evidence import Evidence
from . import (
    above_floor,
    backward,
    clock_witness,
    contracts,
    deterministic,
    distributions,
    guard_bands,
    inputs_untouched,
    layout,
    mutants,
    no_aliasing,
    oracle,
    other_shapes,
    own_kernel,
    own_outputs,
    present_parameters,
    quiet_device,
    randomness,
    sanitizer,
    self_timing,
    steady_clock,
    timed_outputs,
    written_memory,
)
from .check import Check

CHECKS: list[Check] = [
    inputs_untouched.CHECK,
    guard_bands.CHECK,
    no_aliasing.CHECK,
    own_outputs.CHECK,
    written_memory.CHECK,
    present_parameters.CHECK,
    layout.CHECK,
    deterministic.CHECK,
    distributions.CHECK,
    randomness.CHECK,
    contracts.NON_CONTIGUOUS,
    contracts.SPECIAL_VALUES,
    backward.CHECK,
    oracle.CHECK,
    mutants.CHECK,
    own_kernel.CHECK,
    timed_outputs.CHECK,
    quiet_device.CHECK,
    steady_clock.CHECK,
    clock_witness.CHECK,
    above_floor.CHECK,
    self_timing.CHECK,
    other_shapes.CHECK,
    sanitizer.CHECK,
]


def run_checks(evidence: Evidence) -> list[dict]:
    """All checks in the order of the registry, as rows."""
    rows = []
    for check in CHECKS:
        passed, detail = check.judge(evidence)
        rows.append({"check": f"{check.id}@{check.version}", "passed": passed, "detail": detail})
    return rows
