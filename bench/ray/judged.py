"""
What a cluster costs per candidate, with the real judge: `python bench/ray/judged.py [shards] [candidates]`. The same
Triton candidates are judged by one process of this machine, by one warm station of a Ray of one node, and by a fresh
process for each shard; one judge each, so that what is left without the judge's own seconds is what surrounds it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kills
from ray.cluster_utils import Cluster

REFERENCE = """import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x * {0}


def get_inputs():
    return [torch.randn(256)]


def get_init_inputs():
    return []
"""
CANDIDATE = """import torch
import triton
import triton.language as tl


@triton.jit
def scale(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    lane = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + lane, tl.load(x_ptr + lane, mask=lane < n) * {0}, mask=lane < n)


class ModelNew(torch.nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        scale[(triton.cdiv(x.numel(), {1}),)](x, y, x.numel(), BLOCK={1})
        return y
"""
SECONDS = {"mode": "screen", "calls": 1, "workers": 1}


class Judging:
    """A work directory with candidates that wait to be judged, and what becomes of them."""

    def __init__(self, folder: Path, shards: int, candidates: int) -> None:
        self.folder, self.shards, self.work = folder, shards, folder / "work"
        rows = [
            {
                "task": f"scale-{factor}",
                "reference": REFERENCE.format(factor),
                "code": CANDIDATE.format(factor, 64 << (i % 3)),
                "language": "triton",
            }
            for i in range(candidates)
            for factor in [2 + i // 3]
        ]
        folder.joinpath("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        columns = {name: name for name in ("task", "reference", "code", "language")}
        recipe = {"name": "judged", "filters": {}, "export": {"configs": {}, "formats": {}}}
        recipe["validate"] = {**SECONDS, "shards": shards}
        recipe["generate"] = {"imports": [{"id": "rows", "path": "rows.jsonl", "jsonl": {}, "columns": columns}]}
        (folder / "judged.yaml").write_text(json.dumps(recipe))
        self.recipe = ["--recipe", str(folder / "judged.yaml"), "--work-dir", str(self.work)]
        subprocess.run([*kills.LAUNCH, *self.recipe, "--to", "generate", "--json"], check=True, capture_output=True)

    def plan(self) -> Path:
        """The plan of the stage."""
        subprocess.run([*kills.LAUNCH, "plan", *self.recipe, "--stage", "validate"], check=True, capture_output=True)
        return self.work / "judged" / "plans" / "validate.json"

    def verdicts(self) -> tuple[int, float]:
        """How many candidates were judged, and the seconds that the judge says it took."""
        logs = [*self.work.glob("judged/log.jsonl"), *self.work.glob("judged/logs/*.jsonl")]
        lines = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
        judged = [sum(each["seconds"].values()) for each in lines if each["msg"] == "judged"]
        return len(judged), sum(judged)


def locally(judging: Judging) -> float:
    """From the first shard's start to the last one's end."""
    command = [*kills.LAUNCH, *judging.recipe, "--stage", "validate", "--json"]
    return seconds_between_events(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))


def on_station(judging: Judging) -> float:
    """The same, as the driver tells it."""
    plan = judging.plan()
    cluster = Cluster(initialize_head=True, head_node_args=kills.HEAD)
    cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    config = {"stage": "validate", "shards": [f"{i:04}" for i in range(judging.shards)], "package": str(kills.ROOT)}
    config |= {"arguments": ["--plan", str(plan), "--engine", "ray", "--json"], "needs_gpu": True, "needs_python": True}
    config |= {"cpus": 1, "gpus": 0, "stations": 1, "depth": 2, "builds_for": None, "retries": 3, "timeout_s": None}
    config |= {"silence_s": 30, "progress_file": None, "address": cluster.address}
    (judging.folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, str(kills.DRIVER), str(judging.folder / "config.json")]
    seconds = seconds_between_events(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    cluster.shutdown()
    return seconds


def freshly(judging: Judging) -> float:
    """One process after another."""
    plan = judging.plan()
    started = time.monotonic()
    for index in range(judging.shards):
        command = [*kills.LAUNCH, "shard", "--plan", str(plan), "--index", str(index), "--json"]
        subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - started


def seconds_between_events(process: subprocess.Popen) -> float:
    """From the first shard that starts to the last that is finished."""
    started = ended = None
    for line in process.stdout or ():
        if started is None and '"shard_started"' in line:
            started = time.monotonic()
        if '"shard_finished"' in line:
            ended = time.monotonic()
    if process.wait() != 0 or started is None or ended is None:
        raise SystemExit(f"it ended with {process.returncode}")
    return ended - started


def main(shards: int, candidates: int) -> None:
    """Prints the table."""
    print("| judged by | candidates | seconds | of them the judge's | besides, ms per candidate |")
    print("| --- | --- | --- | --- | --- |")
    for name, run in {"this process": locally, "a warm station": on_station, "a process each": freshly}.items():
        with tempfile.TemporaryDirectory(prefix="curate-judged-") as folder:
            judging = Judging(Path(folder), shards, candidates)
            seconds = run(judging)
            count, judged = judging.verdicts()
        print(
            f"| {name} | {count} | {seconds:.1f} | {judged:.1f} | {1000 * (seconds - judged) / count:.0f} |", flush=True
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in (sys.argv[1:] or ["8", "48"])))
