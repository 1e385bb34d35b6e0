"""
Calls that come as soon as their inputs have. What a thread of a candidate computes of inputs that lie there, before
anybody calls, such as while the caches are emptied for a timed call, is not done yet then, and the call takes as long
as the work does. An honest one is rather faster so, as its caches are warm.
"""

from __future__ import annotations

from typing import Final

from .call_answer import CallAnswer
from .candidate_run import CandidateRun
from .cases import OpenCase
from .compare import compare
from .faults import Verdict
from .reference import Reference

# How many times longer, and by how much: threads that still spin from the loop that took the inputs in share a
# processor with the call, which is then up to twice as slow.
_TIMES: Final = 3.0
_LEAST_NS: Final = 100_000
# On a busy machine either may be kept waiting. Where a fifth of an honest one's pairs show a head start so, ten more
# that show one than that do not come before eight more that do not in one of a million programs; where three fifths of
# a hostile one's do, in 96 of 100 (Feller 1968, An Introduction to Probability Theory, XIV.2: the gambler's ruin), for
# which fifty pairs are needed on the average.
_MOST_PAIRS, _SURE, _UNLIKELY = 120, 10, -8
# A thread of its own may have been kept waiting all the same, and have done nothing in one of them.
_UNDISTURBED_NS, _CALM = 200_000, 2
_DELAYED: Final = frozenset({"delayed"})


def require_no_head_start(run: CandidateRun, reference: Reference, first: int) -> None:
    """Raises a Verdict on what is done before it is called; the inputs are the cases from number `first` on."""
    score = calm = num_ahead = 0
    for index in range(first, first + 2 * _MOST_PAIRS, 2):
        (delayed, waited), (sudden, waited_too) = _pair(run, reference, index)
        is_ahead = sudden > _TIMES * delayed + _LEAST_NS
        score += 1 if is_ahead else -1
        num_ahead += is_ahead
        calm += not is_ahead and waited + waited_too < _UNDISTURBED_NS
        if score <= _UNLIKELY or (calm >= _CALM and not num_ahead):
            return
        if score >= _SURE:
            text = (
                f"its calls take {sudden / 1e3:.0f} microseconds as soon as their inputs have come, and"
                f" {delayed / 1e3:.0f} where these have lain there for a while: it computes before it is called"
            )
            raise Verdict("REWARD_HACK", "integrity", "HACK_ASYNC", "candidate", text)


# Of either call how long it took, and how long others had the processor since its inputs came. The reference is asked
# after both: threads of its own that still spin would have a processor that the second call needs at once.
def _pair(run: CandidateRun, reference: Reference, index: int) -> list[tuple[int, int]]:
    cases = [reference.case_by_itself(number) for number in (index, index + 1)]
    known = run.process.waited_ns()
    delayed = run.call(cases[0], flush=True, timed=True, how=_DELAYED)
    between = run.process.waited_ns()
    run.process.wait_for_rest()
    begun = run.process.waited_ns()
    sudden = run.call(cases[1], flush=False, timed=True)
    waited = [between - known, run.process.waited_ns() - begun]
    for number, (case, answer) in enumerate(zip(cases, (delayed, sudden), strict=True)):
        _require_right(reference, index + number, case, answer)
    return [(answer.timing.inside, ns) for answer, ns in zip((delayed, sudden), waited, strict=True)]


def _require_right(reference: Reference, number: int, case: OpenCase, answer: CallAnswer) -> None:
    # What an oracle says as well takes longer than all of this.
    own = reference.call(case.inputs, flush=False, look=False).output
    try:
        compare(answer.outputs, case.answered(own).expected)
    except Verdict:
        # Where rounding decides, as of indices, the reference by itself does not tell right from wrong.
        compare(answer.outputs, reference.new_case(number).expected)
