"""Whether a candidate can be trained through where its task wants gradients, and whether these are right."""

from __future__ import annotations

from typing import Final

from .candidate_run import CandidateRun
from .compare import compare
from .evidence import Evidence
from .faults import Verdict
from .gradient_answer import GradientAnswer
from .gradient_cases import GradientCase
from .log_text import first_line, of_unforeseen_inputs
from .reference import Reference

_MOST_CHARACTERS: Final = 200


def check_gradients(run: CandidateRun, reference: Reference, evidence: Evidence) -> None:
    """
    Notes whether it has gradients. Raises a Verdict where it has wrong ones, or none although the recipe requires them.
    """
    if not reference.gradient_places:
        return
    for case in reference.gradient_cases():
        if isinstance(case, str):
            evidence.backward = (None, case[:_MOST_CHARACTERS])
            return
        lacking = _lacking(run, case)
        run.restart_if_ended(reference)
        if lacking is not None:
            evidence.backward = lacking
            break
        evidence.backward = (True, None)
    passed, detail = evidence.backward
    if passed is False and reference.settings.backward == "require":
        text = f"the task has a backward, which this recipe requires: {detail}"
        raise Verdict("INCORRECT_NUMERICAL", "compare", "NO_GRAD", "candidate", text)


# An error is loud: it says that there is no gradient, and gives nobody a wrong one.
def _lacking(run: CandidateRun, case: GradientCase) -> tuple[bool | None, str] | None:
    try:
        answer = run.gradients(case.parcels, case.places, case.parameters)
    except Verdict as found:
        if found.status == "REWARD_HACK":
            raise
        text = first_line(found.log)
        return (None if found.status == "NOT_RUN" else False), text
    try:
        missing = _missing_in(answer, case)
    except Verdict as found:
        if case.is_unforeseen:
            found.log = of_unforeseen_inputs(found.log)
        raise
    return None if missing is None else (False, missing)


def _missing_in(answer: GradientAnswer, case: GradientCase) -> str | None:
    if not answer.attached:
        return "nothing that it returns has a gradient"
    try:
        compare(answer.output, case.case.expected)
    except Verdict as found:
        found.log = f"with gradients recorded, {found.log}"
        raise
    detached = [place for place in case.attached if place not in answer.attached]
    if detached:
        return f"{', '.join(detached)} has no gradient"[:_MOST_CHARACTERS]
    missing = []
    for gradient in case.gradients:
        given = answer.gradients.get(gradient.name)
        if given is None:
            missing += [] if gradient.is_zero else [gradient.name]
            continue
        try:
            gradient.require(given)
        except Verdict as found:
            text = found.log.replace("output", f"the gradient of {gradient.name}", 1)
            # Derivatives of PyTorch are right as far as they go: what it launches beside them was never recorded.
            if not answer.has_own_backward:
                return f"part of what it computes has no gradient, so that the one of {gradient.name} is incomplete"
            raise Verdict("INCORRECT_NUMERICAL", "compare", "WRONG_GRAD", "candidate", text) from found
    return f"no gradient comes to {', '.join(missing)}"[:_MOST_CHARACTERS] if missing else None
