"""Whether the task refuses the reference with a small mistake in it: what a pass on this workload is worth."""

from __future__ import annotations

from ..evidence import Evidence
from .check import Check, Finding


def _judge(evidence: Evidence) -> Finding:
    report = evidence.mutants
    if report is None or report.num_killed + len(report.survivors) == 0:
        return None, None
    told = report.num_killed + len(report.survivors)
    survived = f"; survived: {', '.join(report.survivors[:_MOST])}" if report.survivors else ""
    return not report.survivors, f"{report.num_killed} of {told} refused{survived}"


_MOST = 8
CHECK = Check("mutants", 1, _judge)
