"""Judges one candidate on all workloads of its task."""

from __future__ import annotations

from functools import partial

from ..static_tags import tags_of
from .baselines import add_baselines
from .candidate_run import CandidateRun, DeviceChanged
from .cases import Case
from .checked_call import KEPT, Fingerprint, check_call, check_repetition, seen_call
from .compare import compare, compare_unforeseen
from .conduct import (
    require_good_conduct,
    require_own_memory,
    require_present_parameters,
    require_work_at_any_size,
)
from .contracts import CONTRACTS
from .evidence import Evidence
from .faults import Verdict
from .gradient_cases import GONE
from .gradients import check_gradients
from .health import may_be_ill, require_healthy
from .leaves import Leaf, leaves_of
from .log_text import first_line
from .other_shapes import look_at_other_shapes
from .own_work import (
    require_interpreted_kernel,
    require_kernels_that_matter,
    require_rest,
    require_trustworthy_interpreter,
    require_work_on_the_stream,
)
from .prepared import Prepared, build_extensions, not_run_without_gpu, prepare
from .reference import Reference
from .requests import Request, Workload
from .rows import Circumstances, passed_row, verdict_row
from .sanitizing import is_chosen, refusal, sanitize
from .stale_answers import require_no_stale_answer
from .static_refusal import require_harmless_text
from .station import Station
from .stochastic import compare_draws
from .tasks import TaskSession
from .timing import Gpu, time_candidate
from .work_shares import look_at_work, require_use_of_extensions

_FIRST_GRADIENT = "curate_worker.runner.first_gradient"


def evaluate(station: Station, tasks: TaskSession, request: Request) -> list[dict]:
    """One row per workload. Raises MachineFault; everything else is a row."""
    workloads = request.task.workloads
    prepared: Prepared | None = None
    # Before anything is built: the task before may hold gigabytes that others wait for.
    tasks.enter(request.task, request.settings)
    tags = tags_of(request.candidate.files)
    try:
        require_harmless_text(tags, request.settings)
        prepared = prepare(station, request.candidate)
        build_extensions(station, request.settings, prepared)
    except Verdict as found:
        known = (station.device, None) if prepared is None else (prepared.device, prepared.row())
        return [verdict_row(Circumstances(station, *known, tags, []), workload, found) for workload in workloads]
    prepared.tags = tags
    with CandidateRun(station, request, prepared) as run:
        rows = [_Judgement(station, tasks, run, prepared).of(workload) for workload in workloads]
        look_at_other_shapes(station, tasks, request, run, rows)
        is_suspect = may_be_ill(rows, run.process.num_starts, is_running=run.process.is_running)
        run.begin_end()
        # Others wait for the memory, and both processes take as long to give theirs back.
        is_over = station.locks.holds_memory and not (request.settings.wanted_baselines or is_chosen(request))
        if is_over:
            tasks.begin_end()
            station.give_memory_back_early()
    if is_over:
        # Who has given the memory back is asked to close nothing, and nobody is to be timed beside what still ends.
        tasks.close()
    if is_suspect:
        require_healthy(prepared.device)
    refused = sanitize(station, tasks, request, run, rows)
    if refused is not None:
        circumstances = Circumstances(station, prepared.device, prepared.row(), tags, run.process.layers)
        row = verdict_row(circumstances, workloads[rows.index(refused)], refusal(refused))
        rows[rows.index(refused)] = row
    add_baselines(station, tasks, request, prepared.device, rows)
    return rows


class _Judgement:
    """One candidate on one workload."""

    def __init__(self, station: Station, tasks: TaskSession, run: CandidateRun, prepared: Prepared) -> None:
        self._station = station
        self._tasks = tasks
        self._run = run
        self._prepared = prepared
        self._gradients_lost: str | None = None
        """How the reference was lost when it was asked for gradients."""

    def of(self, workload: Workload) -> dict:
        """The row of a workload."""
        try:
            evidence, performance = self._attempt(workload)
        except Verdict as found:
            if found.blame == "candidate" and found.proved_on is None:
                found.proved_on = self._run.proved_on
            return verdict_row(self._circumstances(), workload, found)
        return passed_row(self._circumstances(), workload, evidence, performance)

    def _circumstances(self) -> Circumstances:
        return Circumstances(
            self._station, self._prepared.device, self._prepared.row(), self._prepared.tags, self._run.process.layers
        )

    # The reference was proved, so its process was lost to something else, such as a candidate that took all memory.
    def _attempt(self, workload: Workload) -> tuple[Evidence, dict | None]:
        try:
            return self._judge_against(self._bound_reference(workload))
        except DeviceChanged:
            return self._judge_against(self._bound_reference(workload))
        except Verdict as found:
            lost = found.cause in ("REF_CRASH", "REF_TIMEOUT")
            if not lost or not self._tasks.forget(workload, self._prepared.device):
                raise
        return self._judge_against(self._bound_reference(workload))

    # What a module builds late may turn out to be CUDA code, which moves the candidate to the GPU.
    def _bound_reference(self, workload: Workload) -> Reference:
        while True:
            device = self._prepared.device
            reference = self._tasks.reference(workload, device, self._run)
            self._run.bind(reference)
            if self._prepared.device == device:
                return reference

    def _judge_against(self, reference: Reference) -> tuple[Evidence, dict | None]:
        evidence = Evidence(self._run.proved_on, reference.precision, bool(reference.mutated_inputs))
        evidence.mutants = reference.mutants
        evidence.is_held_against_own = reference.spares_oracle
        return evidence, self._judge(reference, evidence)

    def _judge(self, reference: Reference, evidence: Evidence) -> dict | None:
        require_trustworthy_interpreter(self._station, self._run, reference)
        if self._prepared.candidate.language == "cuda" and self._prepared.device == "cpu":
            raise not_run_without_gpu(self._prepared)
        if reference.is_stochastic:
            return self._judge_draws(reference, evidence)
        # The same in every call of a workload: a program shall not see from it which call is timed.
        timed = reference.settings.mode != "screen" and self._run.proved_on != "interpreter"
        # What the interpreter writes past the end of a tensor ends its process, unless there is a band.
        if self._run.proved_on == "interpreter":
            require_own_memory(self._run, reference, evidence)
            require_good_conduct(evidence, reference)
        first = Fingerprint.of(check_call(self._run, reference.case(0), evidence, flush=timed, how=KEPT))
        for index in range(1, reference.num_calls()):
            is_reused = check_call(self._run, reference.case(index), evidence, flush=timed).is_reused
            evidence.reuses_outputs = bool(evidence.reuses_outputs) or is_reused
        self._check_drawn(reference, evidence, flush=timed)
        # Of gigabytes the call while the stream is busy tells as much.
        if not (reference.is_large and self._prepared.device == "cuda"):
            self._check_unforeseen(reference, evidence, flush=timed)
        # Last, so that what a program keeps from its previous call is wrong here.
        check_repetition(first, self._run, reference.case(0), evidence, flush=timed)
        require_no_stale_answer(self._run, reference, first, flush=timed)
        require_present_parameters(self._run, reference, evidence)
        require_work_at_any_size(self._run, reference, evidence)
        if self._run.proved_on != "interpreter":
            require_own_memory(self._run, reference, evidence)
        require_good_conduct(evidence, reference)
        evidence.built_extensions = len(self._prepared.built)
        require_interpreted_kernel(self._run, evidence)
        self._note_kernels(evidence)
        if evidence.triton_launches or evidence.extension_calls:
            require_kernels_that_matter(self._run, reference, launches=evidence.triton_launches > 0)
            evidence.depends_on_kernels = True
        # On the same inputs, so not before: a kernel that does nothing finds the answer where an earlier call left it.
        if self._prepared.device == "cuda":
            require_work_on_the_stream(self._run, reference)
        self._require_own_kernel(reference, evidence)
        performance = self._timed(reference, evidence) if timed else None
        # Last: a program that knew what it meets before it is timed would know when that is.
        self._look_at_gradients(reference, evidence)
        if timed or reference.settings.mode == "certify":
            self._look_at_contracts(reference, evidence)
        if timed or reference.settings.library_calls == "forbid":
            look_at_work(self._run, self._prepared.candidate, reference, evidence)
        return performance

    # Not timed: the output of a timed call is believed because it is compared, and one draw says little.
    def _judge_draws(self, reference: Reference, evidence: Evidence) -> None:
        self._look_at_gradients(reference, evidence)
        for drawing in reference.drawings():

            def leaves_at(_: int, case: Case = drawing.case) -> list[Leaf]:
                self._station.locks.give_way()
                return leaves_of(seen_call(self._run, case, evidence, flush=False).outputs)

            if drawing.state is not None:
                self._run.load_state(drawing.state)
            evidence.drawn.append(compare_draws(leaves_at, drawing.draws))
            if drawing.state is not None:
                self._run.load_state(reference.state)
        require_good_conduct(evidence, reference)
        evidence.built_extensions = len(self._prepared.built)
        require_interpreted_kernel(self._run, evidence)
        self._note_kernels(evidence)
        self._require_own_kernel(reference, evidence)
        if reference.settings.library_calls == "forbid":
            look_at_work(self._run, self._prepared.candidate, reference, evidence)

    def _timed(self, reference: Reference, evidence: Evidence) -> dict | None:
        alone = partial(self._station.locks.alone, self._prepared.device)
        gpu = Gpu(self._station.peaks, self._station.meter) if self._run.proved_on == "gpu" else Gpu()
        performance = time_candidate(self._run, reference, evidence, alone, gpu)
        # What is looked at next is made meanwhile, where others wait for the memory.
        is_next = reference.is_large and reference.settings.library_calls != "allow"
        require_rest(self._run, partial(reference.unforeseen_case, 0) if is_next else None)
        if self._prepared.device == self._station.device:
            evidence.times_itself_right = self._station.self_timing.is_good
            evidence.self_timing_objection = self._station.self_timing.objection
        if evidence.self_timing_objection is not None:
            performance = None
        # Once more: who behaves as long as he is tested is found now.
        require_good_conduct(evidence, reference)
        return performance

    # Of those that Triton's interpreter runs nothing is known, and it is asked all the same: one way for both.
    def _note_kernels(self, evidence: Evidence) -> None:
        if evidence.triton_launches:
            self._prepared.launched = self._run.launched_kernels()

    def _check_unforeseen(self, reference: Reference, evidence: Evidence, *, flush: bool) -> None:
        case = reference.unforeseen_case(0)
        answer = seen_call(self._run, case, evidence, flush=flush)
        compare_unforeseen(answer.outputs, case.expected)

    def _check_drawn(self, reference: Reference, evidence: Evidence, *, flush: bool) -> None:
        for name in reference.distributions():
            self._station.locks.give_way()
            self._check_one_drawn(reference, name, evidence, flush=flush)
        evidence.left_out_distributions = [
            name for name in reference.distributions() if name not in evidence.distributions
        ]

    # By itself: the next case may need the memory of this one.
    def _check_one_drawn(self, reference: Reference, name: str, evidence: Evidence, *, flush: bool) -> None:
        case = reference.drawn_case(name)
        if case is None:
            return
        try:
            check_call(self._run, case, evidence, flush=flush)
        except Verdict as found:
            found.log = f"on inputs drawn {name}: {found.log}"
            raise
        evidence.distributions.append(name)

    # A reference that is lost over its own gradients is opened anew, and asked for none.
    def _look_at_gradients(self, reference: Reference, evidence: Evidence) -> None:
        if self._gradients_lost is not None:
            evidence.backward = (None, self._gradients_lost)
            return
        if reference.gradient_places:
            # Tasks with gradients seldom come alone.
            self._station.server.prepare(_FIRST_GRADIENT)
        try:
            check_gradients(self._run, reference, evidence)
        except Verdict as found:
            if found.cause in GONE:
                self._gradients_lost = first_line(found.log)
            raise

    def _look_at_contracts(self, reference: Reference, evidence: Evidence) -> None:
        # Changed copies of gigabytes have no room beside what they are compared with.
        for name, change in ({} if reference.is_large else CONTRACTS).items():
            case = reference.contract_case(change)
            if case is None:
                continue
            try:
                self._run.restart_if_ended(reference)
                compare(self._run.call(case, flush=False).outputs, case.expected)
                evidence.contracts[name] = (True, None)
            except Verdict as found:
                evidence.contracts[name] = (False, first_line(found.log))

    def _require_own_kernel(self, reference: Reference, evidence: Evidence) -> None:
        if reference.settings.own_kernel == "require" and not evidence.has_own_kernel:
            text = "no extension was built and no Triton kernel was launched, and this recipe requires a kernel"
            raise Verdict("REWARD_HACK", "integrity", "HACK_FALLBACK", "candidate", text)
        if reference.settings.own_kernel == "require":
            require_use_of_extensions(self._run, self._prepared.candidate, reference, evidence)
