"""The rows of the table `evaluations`, without the ids, which the orchestrator adds."""

from __future__ import annotations

from .checks import run_checks
from .evidence import Evidence
from .faults import Verdict
from .log_text import clean_log
from .requests import Workload
from .station import Station


def passed_row(
    station: Station,
    workload: Workload,
    evidence: Evidence,
    performance: dict | None,
    circumstances: tuple[dict | None, list[str]],
) -> dict:
    """The row of a candidate that passed; `circumstances` are its build and the sandbox layers it ran in."""
    build, layers = circumstances
    return {
        "workload_id": workload.id,
        "status": "PASSED",
        "stage": None,
        "cause": None,
        "blame": None,
        "proved_on": evidence.proved_on,
        "correctness": evidence.correctness(),
        "performance": performance,
        "checks": run_checks(evidence),
        "build": build,
        "log": "",
        "environment": {**station.environment, "sandbox": layers},
    }


def verdict_row(
    station: Station,
    workload: Workload,
    found: Verdict,
    build: dict | None = None,
    layers: list[str] | None = None,
) -> dict:
    """The row of a candidate that did not pass."""
    return {
        "workload_id": workload.id,
        "status": found.status,
        "stage": found.stage,
        "cause": found.cause,
        "blame": found.blame,
        "proved_on": found.proved_on,
        "correctness": None,
        "performance": None,
        "checks": [],
        "build": build,
        "log": clean_log(found.log),
        "environment": {**station.environment, "sandbox": layers or []},
    }
