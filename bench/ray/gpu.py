"""
The real judge on a real GPU through Ray: `python bench/ray/gpu.py [GPUs] [architecture]`, such as `1 sm_90`. A head
whose cores compile ahead, a node with the GPUs, and the candidates of `quickstart` in four shards: what became of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import kills
from pyarrow import parquet
from ray.cluster_utils import Cluster

SHARDS = 4


def main(gpus: int, architecture: str | None) -> None:
    """One run."""
    with tempfile.TemporaryDirectory(prefix="curate-gpu-") as name:
        work = Path(name)
        recipe = ["--recipe", "quickstart", "--set", f"validate.shards={SHARDS}", "--work-dir", name]
        subprocess.run([*kills.LAUNCH, *recipe, "--to", "generate", "--json"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*kills.LAUNCH, "plan", *recipe, "--stage", "validate"], check=True)
        cores = max(1, (os.cpu_count() or 2) // 2)
        cluster = Cluster(initialize_head=True, head_node_args={**kills.HEAD, "num_cpus": cores})
        cluster.add_node(num_cpus=cores, num_gpus=gpus, object_store_memory=80 << 20)
        config = {"stage": "validate", "shards": [f"{i:04}" for i in range(SHARDS)], "package": str(kills.ROOT)}
        plan = work / "quickstart" / "plans" / "validate.json"
        config |= {"arguments": ["--plan", str(plan), "--engine", "ray", "--json"], "needs_gpu": True}
        config |= {"needs_python": True, "cpus": None, "gpus": None, "stations": None, "depth": 2, "retries": 3}
        config |= {"timeout_s": None, "silence_s": 30, "progress_file": None, "builds_for": architecture}
        (work / "config.json").write_text(json.dumps({**config, "address": cluster.address}))
        started = time.monotonic()
        command = [sys.executable, str(kills.DRIVER), str(work / "config.json")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(f"driver ended with {done.returncode} after {time.monotonic() - started:.0f} s {done.stderr[-400:]}")
        cluster.shutdown()
        print(Counter(json.loads(line)["type"] for line in done.stdout.splitlines() if line.startswith("{")))
        print(*(line for line in done.stdout.splitlines() if '"warning"' in line or '"shard_failed"' in line), sep="\n")
        show(work / "quickstart")


def show(run: Path) -> None:
    """Rows by what they were proved on, and the seconds that judges still built."""
    files = run.glob("validate/*/evaluations.parquet")
    rows = [row for file in files for row in parquet.read_table(file).to_pylist()]
    nodes = sum("node" in str(row["environment"]) for row in rows)
    print(f"{len(rows)} rows, {nodes} of them name their node")
    print(Counter((row["proved_on"], row["status"]) for row in rows))
    logs = [json.loads(line) for log in run.glob("logs/*.jsonl") for line in log.read_text().splitlines()]
    builds = sorted(round(each["seconds"].get("build", 0), 2) for each in logs if each["msg"] == "judged")
    print(f"seconds of building that were left to the judges: {builds}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, sys.argv[2] if len(sys.argv) > 2 else None)  # noqa: PLR2004
