"""
Whether both programs of pairs can be imported by themselves: `python bench/pair-imports.py RUN... > imports.jsonl`,
each RUN being the folder of a run that has finished `pair`. Each program is loaded in the validator's sandbox, on a
processor: the reference makes its model, the candidate its module. One JSON line a candidate: its id, and what went
wrong or null. Needs `pyarrow`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from pyarrow import parquet

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "validators" / "worker"))

from curate_worker.judge.faults import RunnerLost
from curate_worker.judge.fork_client import ForkServer, Room
from curate_worker.judge.launch import launch
from curate_worker.judge.runner_handle import RunnerHandle

_MEMORY_BYTES, _SCRATCH_BYTES, _SECONDS = 8 << 30, 64 << 20, 60.0


def main() -> None:
    """One runner per program: what one has imported the next must not find."""
    launched = launch("cpu", 1)
    try:
        launched.server.wait_until_ready()
        for run in sys.argv[1:]:
            for shard in sorted(Path(run, "pair").iterdir()):
                _check_shard(launched.server, shard)
    finally:
        launched.server.close()
        shutil.rmtree(launched.root, ignore_errors=True)


def _check_shard(server: ForkServer, shard: Path) -> None:
    references = {row["id"]: row["reference"] for row in parquet.read_table(shard / "tasks.parquet").to_pylist()}
    opened: dict[str, str | None] = {}
    for row in parquet.read_table(shard / "candidates.parquet").to_pylist():
        task = row["task_id"]
        if row["origin"] != "mined":
            continue
        if task not in opened:
            body = {"workload": "w", "source": references[task], "axes": {}, "device": "cpu", "seed": 1}
            opened[task] = _error_of(server, "open_reference", body, "opened")
        sources = json.loads(row["sources"]) if isinstance(row["sources"], str) else row["sources"]
        body = {
            "files": {file["path"]: file["content"] for file in sources},
            "entry_point": row["entry_point"],
            "device": "cpu",
            "recording": False,
            "native": False,
            "plan": None,
            "uses_triton": "triton" in row["requires"],
            "interpreted": "triton" in row["requires"],
            "built": [],
            "triton_cache": [],
        }
        error = opened[task] or _error_of(server, "load", body, "loaded")
        print(json.dumps({"source": row["source"], "candidate_id": row["id"], "error": error}), flush=True)


def _error_of(server: ForkServer, kind: str, body: dict, wanted: str) -> str | None:
    try:
        with RunnerHandle(server, Room(_MEMORY_BYTES, _SCRATCH_BYTES, shares_gpu=False), _SECONDS) as runner:
            answer = runner.request(kind, body)
    except RunnerLost as lost:
        return str(lost)
    # A native extension that asks to be built has been imported as far as it goes without a compiler.
    return None if answer.kind in (wanted, "build_needed") else json.dumps(answer.body)[:500]


if __name__ == "__main__":
    main()
