"""
What TorchInductor makes of references: `python bench/compiled.py [--judge] PLACE... > compiled.jsonl`, each PLACE being
a Python file with `Model`, `get_inputs` and `get_init_inputs`, a folder of such files, or the folder of a run that has
finished `pair`. Everything runs in the validator's sandbox. One JSON line a reference: why there is nothing, or the
number of kernels, and with `--judge` the verdict on them. Needs `pyarrow` for runs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "validators" / "worker"))

from curate_worker.judge.compiled import compile_task
from curate_worker.judge.evaluate import evaluate
from curate_worker.judge.opening import open_station
from curate_worker.judge.requests import Candidate, ProgramCheck, Request, Settings, Task, Workload
from curate_worker.judge.station import Station
from curate_worker.judge.tasks import TaskSession

_SETTINGS = Settings("screen", 1, 60.0, 1.0, 180.0, 8 << 30, 0)


def main() -> None:
    """One process per reference."""
    is_judged = "--judge" in sys.argv
    places = [Path(item) for item in sys.argv[1:] if item != "--judge"]
    with tempfile.TemporaryDirectory() as cache, open_station("cpu", "bench", Path(cache), 1) as (station, _):
        for task in (task for place in places for task in _tasks_in(place)):
            start = time.monotonic()
            answer = compile_task(station, ProgramCheck("", task, None, _SETTINGS))
            source, refusal = answer["source"], answer["refusal"]
            told = {"task": task.id, "seconds": round(time.monotonic() - start, 2), "refusal": refusal}
            told["kernels"] = 0 if source is None else source.count("@triton.jit\ndef triton_")
            if source is not None and is_judged:
                told["verdict"] = _verdict(station, task, source)
            print(json.dumps(told), flush=True)


def _verdict(station: Station, task: Task, source: str) -> list[list[str | None]]:
    candidate = Candidate("triton", "python", "candidate.py::ModelNew", {"candidate.py": source})
    session = TaskSession(station)
    try:
        rows = evaluate(station, session, Request("", task, candidate, _SETTINGS))
    finally:
        session.close()
    return [[row["status"], row["cause"]] for row in rows]


def _tasks_in(place: Path) -> Iterator[Task]:
    if (place / "pair").is_dir():
        from pyarrow import parquet  # noqa: PLC0415

        for shard in sorted(place.glob("pair/*/tasks.parquet")):
            for row in parquet.read_table(shard).to_pylist():
                listed = _plain(row["workloads"])[:1]
                workloads = [Workload(item["id"], dict(_plain(item["axes"]) or {})) for item in listed]
                yield Task(row["id"], row["reference"], workloads)
        return
    for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
        yield Task(file.name, file.read_text(encoding="utf-8"), [Workload("only", {})])


def _plain(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


if __name__ == "__main__":
    main()
