"""What a candidate must not do beside returning the right numbers: to inputs, parameters and memory of others."""

from __future__ import annotations

from .candidate_run import CandidateRun
from .checked_call import note
from .compare import compare, is_right
from .evidence import Evidence
from .faults import Verdict
from .own_work import ASYNC, require_work_on_the_stream
from .reference import Reference

_POISONED = frozenset({"poisoned"})


def require_good_conduct(evidence: Evidence, reference: Reference) -> None:
    """Raises a Verdict for what any call so far did to memory that is not its own."""
    if evidence.overrun_inputs or evidence.overrun_outputs:
        what = f"inputs {sorted(evidence.overrun_inputs)}" if evidence.overrun_inputs else "what it allocated"
        raise Verdict("RUNTIME_ERROR", "run", "OOB_WRITE", "candidate", f"wrote beyond the ends of {what}")
    if changed := evidence.mutated_inputs - reference.mutated_inputs:
        text = f"changed inputs {sorted(changed)}, which the reference leaves as they are"
        raise Verdict("INCORRECT_NUMERICAL", "compare", "INPUT_MUTATED", "candidate", text)
    if changed := (evidence.changed_state & set(reference.parameters)) - reference.changed_state:
        text = f"changed parameters {', '.join(sorted(changed))}, which the reference leaves as they are"
        raise Verdict("INCORRECT_NUMERICAL", "compare", "INPUT_MUTATED", "candidate", text)
    if evidence.hooks:
        text = f"left in place what is called when nobody calls it: {', '.join(sorted(evidence.hooks))}"
        raise Verdict("REWARD_HACK", "integrity", "HACK_PATCH", "candidate", text)
    if evidence.is_late:
        text = "an output was written to after the call had returned"
        raise Verdict("REWARD_HACK", "integrity", ASYNC, "candidate", text)
    # Whoever writes to what came out would change what went in, or the other way round.
    if evidence.aliased_inputs and not reference.aliases_inputs:
        text = f"an output is the memory of inputs {sorted(evidence.aliased_inputs)}, the reference's is its own"
        raise Verdict("REWARD_HACK", "integrity", "HACK_ALIAS", "candidate", text)
    if evidence.overlaps_itself is not None:
        text = (
            f"elements of an output are the same memory, those of the reference's are not: {evidence.overlaps_itself}"
        )
        raise Verdict("REWARD_HACK", "integrity", "HACK_ALIAS", "candidate", text)
    if evidence.has_twin_outputs and not reference.has_twin_outputs:
        text = "two outputs are the same memory, the reference's are apart"
        raise Verdict("REWARD_HACK", "integrity", "HACK_ALIAS", "candidate", text)
    if evidence.returns_parameters and not reference.returns_parameters:
        text = "an output is the memory of a parameter or buffer, the reference's is its own"
        raise Verdict("REWARD_HACK", "integrity", "HACK_ALIAS", "candidate", text)


def require_present_parameters(run: CandidateRun, reference: Reference, evidence: Evidence) -> None:
    """
    Calls it with other parameters, as after a step of training. Raises a Verdict on one that computes with those that
    it had before.
    """
    moved = reference.moved_case()
    if moved is None:
        return
    state, case = moved
    run.load_state(state)
    answer = run.call(case, flush=False)
    note(answer, case, evidence)
    try:
        compare(answer.outputs, case.expected)
        evidence.follows_parameters = True
    except Verdict as found:
        found.log = f"with other parameters: {found.log}"
        if is_right(answer.outputs, reference.case(0).expected):
            text = f"gave the answer of parameters that it had before: {found.log}"
            raise Verdict("REWARD_HACK", "integrity", "HACK_CACHE", "candidate", text) from found
        raise
    run.load_state(reference.state)


def require_work_at_any_size(run: CandidateRun, reference: Reference, evidence: Evidence) -> None:
    """
    Calls it with scales and the like in other sizes. Raises a Verdict on one that leaves out what is multiplied by
    little, or that counts on what they were.
    """
    for draw, state, case in reference.gate_cases():
        run.load_state(state)
        answer = run.call(case, flush=False)
        note(answer, case, evidence)
        try:
            compare(answer.outputs, case.expected)
        except Verdict as found:
            found.log = f"with parameters or constant inputs that are {draw}: {found.log}"
            raise
        evidence.distributions.append(f"{draw} constants")
    run.load_state(reference.state)


def require_own_memory(run: CandidateRun, reference: Reference, evidence: Evidence) -> None:
    """
    Calls it while memory that is allocated holds no zeros and no answers. Raises a Verdict on one that takes what it
    finds there for a result; what cannot run so is not held against it.
    """
    if reference.is_large:
        return
    case = reference.case(0)
    try:
        answer = run.call(case, flush=False, how=_POISONED)
    except Verdict:
        run.restart_if_ended(reference)
        return
    note(answer, case, evidence)
    try:
        compare(answer.outputs, case.expected)
        evidence.is_right_on_poison = True
    except Verdict as found:
        _require_no_other_stream(run, reference)
        _require_right_on_usual_memory(run, reference)
        found.log = f"with memory that was not empty when it was allocated: {found.log}"
        raise


# Under the interpreter nothing was compared before: what is wrong anyway has nothing to do with memory.
def _require_right_on_usual_memory(run: CandidateRun, reference: Reference) -> None:
    if run.proved_on != "interpreter":
        return
    case = reference.case(0)
    try:
        outputs = run.call(case, flush=False).outputs
    except Verdict:
        run.restart_if_ended(reference)
        return
    compare(outputs, case.expected)


# Memory is filled on the stream that it is called on. Who writes there from another one has its numbers before or after
# that, as it happens, and is refused for the stream in either case.
def _require_no_other_stream(run: CandidateRun, reference: Reference) -> None:
    if run.proved_on != "gpu":
        return
    try:
        require_work_on_the_stream(run, reference)
    except Verdict as found:
        if found.cause == ASYNC:
            raise
        run.restart_if_ended(reference)
