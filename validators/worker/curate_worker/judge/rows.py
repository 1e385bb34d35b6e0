"""The rows of the table `evaluations`, without the ids, which the orchestrator adds."""

from __future__ import annotations

from dataclasses import dataclass

from ..static_tags import Tag
from .checks import run_checks
from .evidence import Evidence
from .faults import Verdict
from .log_text import clean_log
from .requests import Workload
from .station import Station


@dataclass(frozen=True)
class Circumstances:
    """What a row says of how a candidate was judged, whatever the verdict."""

    station: Station
    device: str
    build: dict | None
    tags: list[Tag]
    """What its text says."""
    layers: list[str]
    """Sandbox layers of its process; empty where it had none."""

    def environment(self) -> dict:
        """The `environment` field."""
        return {**self.station.environments[self.device], "sandbox": self.layers}


def passed_row(circumstances: Circumstances, workload: Workload, evidence: Evidence, performance: dict | None) -> dict:
    """The row of a candidate that passed."""
    return {
        "workload_id": workload.id,
        "status": "PASSED",
        "stage": None,
        "cause": None,
        "blame": None,
        "proved_on": evidence.proved_on,
        "correctness": evidence.correctness(),
        "performance": performance,
        "work": evidence.work,
        "checks": run_checks(evidence),
        "tags": [tag.row() for tag in circumstances.tags],
        "build": circumstances.build,
        "log": "",
        "environment": circumstances.environment(),
    }


def verdict_row(circumstances: Circumstances, workload: Workload, found: Verdict) -> dict:
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
        "work": None,
        "checks": [],
        "tags": [tag.row() for tag in circumstances.tags],
        "build": circumstances.build,
        "log": clean_log(found.log),
        "environment": circumstances.environment(),
    }
