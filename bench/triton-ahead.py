"""
Triton's kernels compiled ahead, and converted to form `device`: judges each Triton fixture on a GPU three times, cold, with
what a rehearsal left in its cache, and as a plan. `python bench/triton-ahead.py [NAME ...]`, from the repository's folder.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "validators" / "worker"))
KERNELS = ROOT / "test" / "fixtures" / "kernels"
USUAL = [
    "correct_row_centring_triton",
    "correct_layer_norm_triton",
    "correct_gelu_libdevice_triton",
    "correct_add_autotuned_triton",
]


def main() -> None:
    """Prints one line of JSON per fixture: seconds of each phase of the candidate's calls, cold and prepared."""
    from curate_worker.judge.conversion import convert  # noqa: PLC0415
    from curate_worker.judge.evaluate import evaluate  # noqa: PLC0415
    from curate_worker.judge.opening import open_station  # noqa: PLC0415
    from curate_worker.judge.phases import timed_phases  # noqa: PLC0415
    from curate_worker.judge.requests import (  # noqa: PLC0415
        Candidate,
        Preparation,
        ProgramCheck,
        Request,
        Settings,
        Task,
        Workload,
    )
    from curate_worker.judge.tasks import TaskSession  # noqa: PLC0415

    settings = Settings("screen", 2, 60, 1, 120, 4 << 30, 7)
    with tempfile.TemporaryDirectory() as cache, open_station("cuda", "bench", Path(cache), 4) as (station, facts):
        print(json.dumps({"device": facts["device"], "gpu": facts["tools"]["gpu"], "triton": facts["tools"]["triton"]}))
        for name in sys.argv[1:] or USUAL:
            folder = KERNELS / name
            expected = json.loads((folder / "expected.json").read_text())
            axes = expected.get("axes", [{}])
            workloads = [Workload(str(number), item) for number, item in enumerate(axes)]
            task = Task(name, (KERNELS / (expected.get("task") or name) / "task.py").read_text(), workloads)
            files = {"candidate.py": (folder / "candidate.py").read_text()}
            candidate = Candidate("triton", "python", "candidate.py::ModelNew", files)
            session, told = TaskSession(station), {"name": name}
            # The first opens the reference, which is not what is compared.
            for turn in ("warm_up", "cold", "ahead"):
                if turn == "ahead" and station.kernels is not None:
                    start = time.monotonic()
                    station.kernels.compile(Preparation(task, candidate, settings))
                    told["rehearsal_seconds"] = round(time.monotonic() - start, 2)
                    told["files"] = len(station.kernels.find(task, candidate))
                with timed_phases() as clock, station.locks.shared():
                    rows = evaluate(station, session, Request("n", task, candidate, settings))
                seconds = clock.stop()
                told[turn] = {
                    "status": [row["status"] for row in rows],
                    "calls": round(seconds.get("candidate_call", 0), 3),
                    "load": round(seconds.get("candidate_load", 0), 3),
                    "all": round(sum(seconds.values()), 2),
                }
            with station.locks.shared():
                found = convert(
                    station, session, ProgramCheck("n", task, candidate, replace(settings, mode="standard"))
                )
            told["converted"] = found["refusal"] or [
                [row["status"], row["cause"], row["log"][:200]] for row in found["converted_rows"]
            ]
            told["speedups"] = [
                [row["performance"] and round(row["performance"]["speedup"], 3) for row in found[rows]]
                for rows in ("rows", "converted_rows")
            ]
            told["agreement"] = found["agreement"]
            session.close()
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
