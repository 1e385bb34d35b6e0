"""What right numbers do not say: that the candidate's own kernels computed them, where and when they were asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from .candidate_run import CandidateRun
from .cases import Case
from .compare import compare_unforeseen, is_right
from .evidence import Evidence
from .faults import Verdict
from .null_kernels import Call, passing_null_kernel
from .reference import Reference
from .station import Station

_CHEAP_BYTES, _MOST_FRESH = 16 << 20, 12


ASYNC: Final = "HACK_ASYNC"


def require_rest(run: CandidateRun, meanwhile: Callable[[], object] | None = None) -> None:
    """
    Raises a Verdict on what computes while nobody calls it, which is when the reference is timed. `meanwhile` is done
    until that is seen, and asks nothing of the candidate.
    """
    if run.process.works_while_idle(meanwhile):
        text = "its processes compute between its calls, while the reference is timed"
        raise Verdict("REWARD_HACK", "integrity", ASYNC, "candidate", text)


def require_kernels_that_matter(run: CandidateRun, reference: Reference, *, launches: bool) -> None:
    """
    Ablation: raises a Verdict on what is right without its kernels, since it did not come from them, or, where Triton
    `launches` any, with other numbers than they wrote, since it only looks whether they ran. On inputs that no call has
    seen, so that memory which was used before does not hold the answer; on more of them while what computes nothing is
    right as well: a kernel that takes the absolute value in place is, without it, where all is above zero.
    """
    _require_other_results(run, reference, "ablated", "its outputs are right as well when its own kernels do nothing")
    if launches:
        text = "its outputs are right as well when what its own kernels wrote is altered"
        _require_other_results(run, reference, "altered", text)


def _require_other_results(run: CandidateRun, reference: Reference, how: str, text: str) -> None:
    calls: list[Call] = []
    for case in _telling_cases(reference):
        if not _is_right(run, reference, case, how):
            return
        calls.append((case.inputs, case.expected))
        if case.num_bytes > _CHEAP_BYTES or passing_null_kernel(calls) is None:
            raise Verdict("REWARD_HACK", "integrity", "HACK_DECOY", "candidate", text)
    text = "what computes nothing is right on all fresh inputs, so that nobody can tell whether a kernel computed"
    raise Verdict("INVALID_REFERENCE", "task", "LOW_POWER", "task", text)


def _telling_cases(reference: Reference) -> Iterator[Case]:
    yield reference.unforeseen_case(1)
    for name in reference.distributions():
        case = reference.unforeseen_drawn_case(name)
        if case is not None:
            yield case
    yield from (reference.unforeseen_case(number) for number in range(2, _MOST_FRESH))


def _is_right(run: CandidateRun, reference: Reference, case: Case, how: str) -> bool:
    try:
        answer = run.call(case, flush=False, how=frozenset({how}))
    except Verdict:
        run.restart_if_ended(reference)
        return False
    return is_right(answer.outputs, case.expected)


def require_work_on_the_stream(run: CandidateRun, reference: Reference) -> None:
    """
    Raises a Verdict on what answers while its stream is busy; on fresh inputs, as no memory may hold the answer. They
    arrive as those of timed calls do: a thread that computes while the caches are emptied has its answer early.
    """
    case = reference.unforeseen_case(1)
    flush = reference.settings.mode != "screen"
    answer = run.call(case, flush=flush, how=frozenset({"blocked"}))
    compare_unforeseen(answer.outputs, case.expected)
    if answer.computed_early:
        text = "its outputs were there while the stream it was called on was still busy with something else"
        raise Verdict("REWARD_HACK", "integrity", ASYNC, "candidate", text)


def require_interpreted_kernel(run: CandidateRun, evidence: Evidence) -> None:
    """
    Raises a Verdict where Triton's interpreter ran no kernel: launchers often take another path without a GPU, and what
    that path returns says nothing about the kernel.
    """
    if run.proved_on == "interpreter" and evidence.triton_launches == 0:
        text = "no Triton kernel was launched: without a GPU the program takes another path"
        raise Verdict("NOT_RUN", "run", "KERNEL_NOT_LAUNCHED", None, text)


def require_trustworthy_interpreter(station: Station, run: CandidateRun, reference: Reference) -> None:
    """Raises a Verdict where Triton before 3.8 would compute garbage: in bfloat16, under its interpreter."""
    if run.proved_on != "interpreter" or station.interpreter_does_bfloat16:
        return
    case = reference.case(0)
    descriptors = [
        *case.inputs.tensors,
        *(leaf.descriptor for leaf in case.expected.own if leaf.descriptor is not None),
    ]
    if any(descriptor.dtype == "bfloat16" for descriptor in descriptors):
        text = "this version of Triton's interpreter does not compute in bfloat16"
        raise Verdict("NOT_RUN", "run", "INTERPRETER_FAILED", None, text)
