"""
Shows that a task tells kernels with a mistake from right ones: the reference with one small mistake at a time must be
refused. It runs in the reference's process, and in one of its own once a mistake has crashed that or did not end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..channel import Message
from ..effects import Effects
from ..tensors import same_bytes
from ..values import Parcel
from .cases import Case
from .compare import compare
from .expected import Expected
from .faults import RunnerLost, Verdict
from .leaves import leaves_of
from .phases import phase
from .reference_errors import parcel_in, texts_in
from .runner_handle import RunnerHandle

# Mutants per workload and seconds for them. Different workloads of a task draw different ones.
EFFORT: Final = {"screen": (4, 2.0), "standard": (12, 6.0), "certify": (200, 120.0)}
_SECONDS_FOR_ONE: Final = 5.0
_LEAST_TOLD, _LEAST_SHARE = 4, 0.5


@dataclass
class MutantReport:
    """How the mutants of a reference fared on one workload."""

    num_killed: int = 0
    survivors: list[str] = field(default_factory=list)
    """Those that computed something else and were accepted all the same."""
    num_without_effect: int = 0
    """Those that computed the same bits, such as one in a branch that this workload does not take."""

    @property
    def tells_too_little(self) -> bool:
        """Whether so many survive that passing means little."""
        told = self.num_killed + len(self.survivors)
        return told >= _LEAST_TOLD and self.num_killed < _LEAST_SHARE * told


@dataclass(frozen=True)
class MutantTrial:
    """What mutants are tried on: where, how another process is started and opened, and the cases to refuse them on."""

    first: RunnerHandle
    """The process of the reference, where it is open."""
    start: Callable[[], RunnerHandle]
    opening: Message
    cases: Sequence[tuple[dict, Callable[[], Case | None]]]
    """How the inputs of a case are made, and what gives it; None where there is none."""
    mode: str
    seed: int
    timeout_s: float
    give_way: Callable[[], None]
    """Called between two steps: lets others of this machine time."""
    changed: Effects = field(default_factory=Effects)
    """What a reference writes into that is a result as well."""


def try_mutants(trial: MutantTrial) -> tuple[MutantReport, RunnerHandle]:
    """
    Tries as many as the mode allows; gives a process in which the reference is open, the first or, if that was lost,
    another. A process that is lost has killed its mutant. Raises RunnerLost where no process opens the reference.
    """
    with phase("mutants"):
        return _Trial(trial).run()


class _Trial:
    def __init__(self, trial: MutantTrial) -> None:
        self._trial = trial
        self._runner: RunnerHandle | None = trial.first
        self._case: int | None = None
        count, seconds = EFFORT[trial.mode]
        self._count, self._deadline = count, time.monotonic() + seconds

    def run(self) -> tuple[MutantReport, RunnerHandle]:
        report = MutantReport()
        self._judge(report)
        return report, self._opened()

    def _judge(self, report: MutantReport) -> None:
        try:
            alive = dict(self._drawn())
            had_effect: set[int] = set()
            for number in range(len(self._trial.cases)):
                case = self._trial.cases[number][1]() if alive else None
                for place in [] if case is None else list(alive):
                    if time.monotonic() > self._deadline:
                        return
                    killed, same = self._try(place, number, case.expected)
                    had_effect |= set() if same else {place}
                    if killed:
                        report.num_killed += 1
                        del alive[place]
            report.survivors = sorted(text for place, text in alive.items() if place in had_effect)
            report.num_without_effect = len(alive) - len(report.survivors)
        except (RunnerLost, Verdict):
            self._close()

    def _drawn(self) -> Iterator[tuple[int, str]]:
        self._make(0)
        texts = texts_in(self._ask("list_mutants", {"parcel": None}), "texts")
        places = list(range(len(texts)))
        random.Random(self._trial.seed).shuffle(places)
        return ((place, texts[place]) for place in places[: self._count])

    # Whether it was refused, and whether it computed the very same bits as the reference.
    def _try(self, place: int, number: int, expected: Expected) -> tuple[bool, bool]:
        try:
            self._make(number)
            answer = self._ask("call_mutant", {"mutant": place, "parcel": None, "changed": self._trial.changed})
            output = parcel_in(answer, "parcel") if answer.kind == "outputs" else None
        except (RunnerLost, Verdict):
            self._close()
            return True, False
        if output is None:
            # What went wrong on a GPU spoils everything that its process does there afterwards.
            if "CUDA error" in str(answer.body.get("text")):
                self._close()
            return True, False
        same = _same(output, expected)
        if same:
            return False, True
        try:
            compare(output, expected)
        except Verdict:
            return True, False
        return False, False

    def _make(self, number: int) -> None:
        self._opened()
        if self._case != number:
            self._ask("make_inputs", {**self._trial.cases[number][0], "keep": True, "hold": False})
            self._case = number

    def _opened(self) -> RunnerHandle:
        if self._runner is None:
            self._runner, self._case = self._trial.start(), None
            self._runner.allow(self._trial.timeout_s)
            self._runner.request(self._trial.opening.kind, self._trial.opening.body)
        return self._runner

    def _ask(self, kind: str, body: dict) -> Message:
        if self._runner is None:
            raise RunnerLost("closed", "no process")
        start = time.monotonic()
        self._trial.give_way()
        self._deadline += time.monotonic() - start
        self._runner.allow(min(_SECONDS_FOR_ONE, self._trial.timeout_s))
        return self._runner.request(kind, {"workload": self._trial.opening.body["workload"], **body})

    def _close(self) -> None:
        if self._runner is not None:
            self._runner.close()
        self._runner = None


def _same(output: Parcel, expected: Expected) -> bool:
    leaves = leaves_of(output)
    if [(leaf.place, leaf.plain) for leaf in leaves] != [(leaf.place, leaf.plain) for leaf in expected.own]:
        return False
    for mine, other in zip(leaves, expected.own, strict=True):
        if mine.descriptor != other.descriptor:
            return False
        if mine.blob is not None and other.blob is not None and not same_bytes(mine.blob, other.blob):
            return False
    return True
