"""
The reference under `torch.compile`, which a candidate has to beat as well: timed beside the reference in eager mode, on
the same inputs in turns, every output compared. What a candidate gains over it is the quotient of two ratios over eager
mode, each measured in turns, so that the device may be in another state when the second is measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Final

from ..channel import Message
from .baseline_cache import Baseline, baseline_key
from .cases import Case, OpenCase
from .compare import compare
from .faults import Verdict
from .log_text import first_line
from .open_reference import opened_reference
from .phases import phase
from .reference import Reference
from .reference_errors import LOST_CAUSES, ask_reference
from .requests import Request, Workload
from .runner_handle import RunnerHandle
from .samples import Timing
from .station import Station
from .tasks import TaskSession
from .timed_rounds import least_pairs, timed_samples

# https://docs.pytorch.org/docs/stable/generated/torch.compile.html
_MODES: Final = {"compile": "default", "max_autotune": "max-autotune"}
# Eager mode takes as long as when a baseline was measured, or the device is not what it was.
_DRIFT: Final = 1.2


def add_baselines(station: Station, tasks: TaskSession, request: Request, device: str, rows: list[dict]) -> None:
    """
    Fills `baselines` of what was timed, where the recipe asks for them. Called when the candidate's process has ended,
    so that nothing of it runs beside them.
    """
    names = request.settings.wanted_baselines
    if not names or all(row["performance"] is None for row in rows):
        return
    compiler = _Compiler(station, request, device)
    try:
        for workload, row in zip(request.task.workloads, rows, strict=True):
            performance = row["performance"]
            if performance is not None:
                known = [compiler.baseline(tasks, workload, name, performance) for name in names]
                performance["baselines"] = [_beside(performance, item) for item in known]
    finally:
        compiler.close()


class _Compiler:
    """Measures baselines of one task, in one process as long as it lives."""

    def __init__(self, station: Station, request: Request, device: str) -> None:
        self._station, self._request, self._device = station, request, device
        # Compiling is one step of such a process.
        self._settings = replace(request.settings, timeout_s=request.settings.build_timeout_s)
        self._runner: RunnerHandle | None = None

    def close(self) -> None:
        """Ends the process."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def baseline(self, tasks: TaskSession, workload: Workload, name: str, performance: dict) -> Baseline:
        """A baseline of a workload, measured unless it is known."""
        cache = self._station.baselines
        environment = self._station.environments[self._device]
        key = baseline_key(self._request.task, workload, name, environment)
        with cache.held(key, self._station.locks) as path:
            known = cache.read(path)
            if known is not None and not _has_drifted(known, performance):
                return known
            measured, lasts = self._measured(tasks, workload, name)
            if lasts:
                cache.write(path, measured)
        return measured

    def _measured(self, tasks: TaskSession, workload: Workload, name: str) -> tuple[Baseline, bool]:
        try:
            with phase("baseline"):
                reference = tasks.reference(workload, self._device)
                return self._timed(reference, self._compiled(workload, name, reference), name), True
        except Verdict as found:
            self.close()
            reason = first_line(found.log)
            return Baseline(name, reason=reason), found.cause not in LOST_CAUSES

    # Compiled by its first calls; CUDA graphs are recorded by the next ones, which are warm-ups.
    def _compiled(self, workload: Workload, name: str, reference: Reference) -> Reference:
        if self._runner is None:
            room = self._station.room(self._settings.memory_bytes, self._device)
            self._runner = RunnerHandle(self._station.server, room, self._settings.timeout_s)
        how = (self._settings, self._device)
        compiled = opened_reference(self._station, self._runner, self._request.task, workload, how, is_compiled=True)
        compiled.changed = reference.changed
        order = {"workload": workload.id, "mode": _MODES[name]}
        ask_reference(self._runner, Message("compile_reference", order), "reference_compiled")
        # What is tuned is tuned by the clock.
        alone = self._station.locks.alone(self._device) if name == "max_autotune" else nullcontext()
        with alone:
            case = reference.case(0)
            compare(compiled.call(case.inputs, flush=False, look=False).output, case.expected)
        return compiled

    def _timed(self, reference: Reference, compiled: Reference, name: str) -> Baseline:
        def time_pair(case: Case | OpenCase, patience: int) -> tuple[Timing, Timing]:
            programs = (compiled, reference) if case.index % 2 else (reference, compiled)
            calls = [program.call(case.inputs, flush=True, look=False, patience=patience) for program in programs]
            known = case.answered(calls[programs.index(reference)].output)
            for call in calls:
                compare(call.output, known.expected)
            first, second = (call.timing for call in calls)
            return (second, first) if case.index % 2 else (first, second)

        samples = timed_samples(time_pair, reference, partial(self._station.locks.alone, self._device))
        if len(samples) < least_pairs(reference):
            text = f"only {len(samples)} pairs of calls were not disturbed by other programs"
            raise Verdict("NOT_RUN", "timing", "REF_TIMEOUT", None, text)
        eager, own = samples.medians()
        low, high = samples.interval()
        return Baseline(name, own / 1e6, eager / 1e6, eager / own, low, high)


def _has_drifted(known: Baseline, performance: dict) -> bool:
    if known.reference_latency_ms is None:
        return False
    ratio = known.reference_latency_ms / performance["reference_latency_ms"]
    return max(ratio, 1 / ratio) > _DRIFT


def _beside(performance: dict, known: Baseline) -> dict:
    row = {"baseline": known.name, "latency_ms": known.latency_ms, "reason": known.reason}
    if known.speedup is None or known.ci_low is None or known.ci_high is None:
        return {**row, "speedup": None, "speedup_ci_low": None, "speedup_ci_high": None}
    own = [performance[name] for name in ("speedup_ci_low", "speedup", "speedup_ci_high")]
    low, middle, high = quotient(own, (known.ci_low, known.speedup, known.ci_high))
    return {**row, "speedup": middle, "speedup_ci_low": low, "speedup_ci_high": high}


def quotient(over: Sequence[float], under: Sequence[float]) -> tuple[float, float, float]:
    """
    One ratio over another, each with its interval (low, middle, high). Of independent errors the squares add up, here
    of logarithms.
    """
    (low, middle, high), (least, centre, most) = over, under
    value = middle / centre
    down = math.hypot(math.log(middle / low), math.log(most / centre))
    up = math.hypot(math.log(high / middle), math.log(centre / least))
    return value * math.exp(-down), value, value * math.exp(up)
