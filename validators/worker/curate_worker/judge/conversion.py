"""Converts a candidate into form `device` and proves that the two agree: both are judged, on the same calls."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..conversion.convert import PLAN, convert_extension
from ..conversion.refusal import CannotConvert
from ..conversion.triton_plan import convert_triton
from .candidate_run import CandidateRun
from .checked_call import Fingerprint
from .compare import compare
from .evaluate import evaluate
from .faults import Verdict
from .log_text import clean_log
from .prepared import build_extensions, prepare, record
from .rehearsal import rehearse
from .requests import Candidate, ProgramCheck, Request
from .station import Station
from .tasks import TaskSession

_NONE: Final[dict] = {"sources": None, "refusal": None, "rows": [], "converted_rows": [], "agreement": None}


def convert(station: Station, tasks: TaskSession, check: ProgramCheck) -> dict:
    """The files of form `device`, or why there are none; the rows of both; and how often both gave the same bits."""
    if check.candidate is None:
        raise ValueError("there is nothing to convert")
    try:
        files = _converted(station, check, check.candidate)
    except CannotConvert as found:
        return {**_NONE, "refusal": {"cause": found.cause, "log": str(found)}}
    except Verdict as found:
        return {**_NONE, "refusal": {"cause": found.cause, "log": found.log}}
    other = Candidate("cuda", "device", f"{PLAN}::launches", files)
    requests = [Request(check.nonce, check.task, item, check.settings) for item in (check.candidate, other)]
    told = {**_NONE, "sources": [{"path": name, "content": text} for name, text in sorted(files.items())]}
    told["converted_rows"] = evaluate(station, tasks, requests[1])
    # Where kernels are only compiled, the original would be as well, for a minute and to no end.
    if any(row["status"] == "NOT_RUN" for row in told["converted_rows"]):
        return told
    told["rows"] = evaluate(station, tasks, requests[0])
    if all(row["status"] == "PASSED" for row in (*told["rows"], *told["converted_rows"])):
        told["agreement"] = _agreement(station, tasks, requests[0], requests[1])
    return told


def _converted(station: Station, check: ProgramCheck, candidate: Candidate) -> dict[str, str]:
    if candidate.form != "python":
        raise CannotConvert("NOT_A_MODULE", "only modules with `ModelNew` are converted")
    prepared = prepare(station, candidate)
    if prepared.uses_triton:
        return _converted_from_triton(station, check, candidate)
    file_name, _, entry = candidate.entry_point.partition("::")
    specs = [spec for spec in record(station, check.settings, prepared) if isinstance(spec, dict)]
    return convert_extension(candidate.files[file_name], entry, specs)


def _converted_from_triton(station: Station, check: ProgramCheck, candidate: Candidate) -> dict[str, str]:
    assembler = station.builder.assembler
    if assembler is None:
        raise Verdict("NOT_RUN", "build", "NO_COMPILER", None, "there is no ptxas on this machine")
    answer = rehearse(station.stage, check.settings, check.task, candidate, str(assembler))
    problem = answer.body.get("problem")
    if isinstance(problem, dict):
        is_data = str(problem.get("type")).startswith("DataDependent")
        text = clean_log(str(problem.get("text")), Path())
        raise CannotConvert("DATA_DEPENDENT" if is_data else "NOT_REHEARSED", text)
    if answer.kind != "rehearsed":
        raise CannotConvert("NOT_REHEARSED", str(answer.body.get("text")))
    return convert_triton(answer.body.get("described"))


# Both in processes of their own, on inputs that the same seed makes.
def _agreement(station: Station, tasks: TaskSession, first: Request, second: Request) -> dict:
    num_calls = num_same = 0
    prepared = [prepare(station, request.candidate) for request in (first, second)]
    for request, item in zip((first, second), prepared, strict=True):
        build_extensions(station, request.settings, item)
    runs = [CandidateRun(station, *pair) for pair in zip((first, second), prepared, strict=True)]
    with runs[0], runs[1]:
        for workload in first.task.workloads:
            reference = tasks.reference(workload, prepared[0].device)
            for run in runs:
                run.bind(reference)
            for index in range(reference.num_calls()):
                case = reference.case(index)
                answers = [run.call(case, flush=False) for run in runs]
                for answer in answers:
                    compare(answer.outputs, case.expected)
                prints = [Fingerprint.of(answer) for answer in answers]
                num_calls, num_same = num_calls + 1, num_same + (prints[0] == prints[1])
    return {"num_calls": num_calls, "num_same_bits": num_same}
