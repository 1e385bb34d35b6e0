"""One call of a candidate: what came out is compared, what it did beside that is noted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ..tensors import TensorDescriptor
from ..values import Json
from .candidate_run import CallAnswer, CandidateRun
from .cases import Case
from .compare import compare
from .evidence import Evidence
from .faults import Verdict
from .leaves import leaves_of
from .quick_digests import digests_of_numbers

KEPT: Final = frozenset({"kept"})
"""A call of which outputs and inputs stay until the next."""


@dataclass(frozen=True)
class Fingerprint:
    """What is remembered of an output, which may take gigabytes."""

    tree: Json
    digests: list[str]

    @classmethod
    def of(cls, answer: CallAnswer) -> Fingerprint:
        return cls(answer.outputs.tree, digests_of_numbers(answer.outputs))


def check_call(
    run: CandidateRun, case: Case, evidence: Evidence, *, flush: bool, how: frozenset[str] = frozenset()
) -> CallAnswer:
    """A call whose outputs are compared, and everything else noted. Raises a Verdict."""
    answer = seen_call(run, case, evidence, flush=flush, how=how)
    evidence.errors.append(compare(answer.outputs, case.expected))
    evidence.tolerances += [item for item in case.expected.tolerances if item is not None]
    evidence.layout_differs = evidence.layout_differs or _layout_difference(answer, case)
    evidence.overlaps_itself = evidence.overlaps_itself or _overlapping(answer, case)
    return answer


def seen_call(
    run: CandidateRun, case: Case, evidence: Evidence, *, flush: bool, how: frozenset[str] = frozenset()
) -> CallAnswer:
    """A call of which everything but what it returned is noted."""
    answer = run.call(case, flush=flush, how=how)
    evidence.num_calls += 1
    note(answer, case, evidence)
    return answer


def note(answer: CallAnswer, case: Case, evidence: Evidence) -> None:
    """Takes down what a call did beside returning something."""
    if answer.input_digests or not case.inputs.tensors:
        known = case.input_digests()
        evidence.mutated_inputs |= {
            index
            for index, digest in enumerate(known)
            if index >= len(answer.input_digests) or digest != answer.input_digests[index]
        }
    evidence.aliased_inputs |= {index for _, index in answer.aliases}
    evidence.returns_parameters |= answer.is_parameter
    evidence.has_twin_outputs |= answer.has_twin_outputs
    evidence.changed_state |= set(answer.changed_state)
    evidence.hooks |= set(answer.hooks)
    evidence.is_late |= answer.is_late
    evidence.overrun_outputs += answer.num_overrun_outputs
    evidence.triton_launches += answer.triton_launches
    evidence.extension_calls += answer.extension_calls
    if answer.overrun is not None:
        evidence.overrun_inputs = (evidence.overrun_inputs or set()) | set(answer.overrun)


def check_repetition(first: Fingerprint, run: CandidateRun, case: Case, evidence: Evidence, *, flush: bool) -> None:
    """The call once more, of which the first is remembered. Raises a Verdict where it gives something else."""
    again = seen_call(run, case, evidence, flush=flush, how=KEPT)
    try:
        compare(again.outputs, case.expected)
    except Verdict as found:
        text = f"a second call on the same input: {found.log}"
        raise Verdict("INCORRECT_NUMERICAL", "compare", "NONDETERMINISTIC", "candidate", text) from found
    evidence.repeats_exactly = first == Fingerprint.of(again)


def _layout_difference(answer: CallAnswer, case: Case) -> str | None:
    for given, wanted in zip(leaves_of(answer.outputs), case.expected.own, strict=True):
        if given.descriptor is None or wanted.descriptor is None:
            continue
        sizes = given.descriptor.shape
        pairs = zip(sizes, given.descriptor.strides, wanted.descriptor.strides, strict=True)
        if any(size > 1 and mine != theirs for size, mine, theirs in pairs):
            return (
                f"{given.place} has strides {list(given.descriptor.strides)},"
                f" the reference's {list(wanted.descriptor.strides)}"
            )
    return None


# Nobody can write into what an expanded tensor only seems to hold, and nobody wrote it.
def _overlapping(answer: CallAnswer, case: Case) -> str | None:
    for given, wanted in zip(leaves_of(answer.outputs), case.expected.own, strict=True):
        if given.descriptor is None or wanted.descriptor is None:
            continue
        if _repeats(given.descriptor) and not _repeats(wanted.descriptor):
            return f"{given.place} has strides {list(given.descriptor.strides)}"
    return None


# An expanded tensor, or windows that overlap: there are fewer places than elements.
def _repeats(item: TensorDescriptor) -> bool:
    is_expanded = any(size > 1 and stride == 0 for size, stride in zip(item.shape, item.strides, strict=True))
    return is_expanded or item.span < math.prod(item.shape)
