"""
Compiles the kernels of a launch plan: device code alone, which takes none of PyTorch's headers, in CUDA or in PTX, as
Triton writes it.
"""

from __future__ import annotations

import re

from ...device.expressions import PlanError
from ...device.launch_plan import LaunchPlan
from ..faults import Verdict
from .commands import Plan
from .cubin import kernels_of, symbol_of
from .flags import FlagRefused, device_flags
from .toolchain import Toolchain

_ARTIFACT = "kernels.cubin"


def plan_device_build(files: dict[str, str], plan: LaunchPlan, tools: Toolchain) -> Plan:
    """The one command that makes a cubin. Raises FlagRefused."""
    wanted = device_flags(list(plan.flags))
    if plan.source.endswith(".ptx"):
        return _assembled(files, plan.source, wanted, tools)
    standard = [] if any(flag.startswith("-std=") for flag in wanted) else [f"-std={tools.standard}"]
    number = tools.architecture
    target = [f"-gencode=arch=compute_{number},code=sm_{number}", "-ccbin", str(tools.cxx)]
    command = [str(tools.nvcc), "--cubin", plan.source, "-o", _ARTIFACT, "-I.", *target, "-Xptxas", "-v"]
    # The last chain links, and there is nothing to link.
    chains = [[{"command": [*command, *wanted, *standard]}], []]
    return Plan(files, chains, [f"nvcc {tools.nvcc_version}"], _ARTIFACT, "device", [])


# Where ptxas has a flag of nvcc, it has the same name.
def _assembled(files: dict[str, str], source: str, wanted: list[str], tools: Toolchain) -> Plan:
    if others := [flag for flag in wanted if re.fullmatch(r"--?fmad=(true|false)", flag) is None]:
        raise FlagRefused(f"the flag {others[0]!r} says nothing of PTX")
    command = [str(tools.ptxas), source, "-o", _ARTIFACT, f"--gpu-name=sm_{tools.architecture}", "-v"]
    flags = [f"--{flag.lstrip('-')}" for flag in wanted]
    return Plan(
        files, [[{"command": [*command, *flags]}], []], [f"ptxas {tools.nvcc_version}"], _ARTIFACT, "device", []
    )


def symbols_of_plan(plan: LaunchPlan, cubin: bytes) -> dict[str, str]:
    """
    Symbols by the names that a plan has for its kernels. Raises a Verdict on a kernel that is not there, or that takes
    other parameters than it is launched with.
    """
    try:
        known = kernels_of(cubin)
        return {
            launch.kernel: _fitting(launch.kernel, [a.num_bytes for a in launch.arguments], known)
            for launch in plan.launches
        }
    except (PlanError, ValueError) as error:
        raise Verdict("COMPILE_ERROR", "build", "INVALID_PLAN", "candidate", str(error), "compiler") from error


def _fitting(kernel: str, given: list[int], known: dict[str, tuple[int, ...]]) -> str:
    symbol = symbol_of(kernel, list(known))
    if symbol is None:
        there = ", ".join(sorted(known)[:8]) or "none"
        raise PlanError(f'the source has no kernel {kernel} of one meaning: make it `extern "C"`. There are {there}')
    if list(known[symbol]) != given:
        wanted = list(known[symbol])
        raise PlanError(f"{kernel} takes parameters of {wanted} bytes, and is launched with arguments of {given} bytes")
    return symbol
