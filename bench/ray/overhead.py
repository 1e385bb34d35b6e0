"""
What a cluster costs per shard: `python bench/ray/overhead.py [shards]`. The same small shards (one file each) in one
process of this machine, on one warm station of a Ray of one node, and with a fresh process for each.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kills
from ray.cluster_utils import Cluster


def main(shards: int) -> None:
    """Prints the table."""
    print("| shards run by | seconds | ms per shard |")
    print("| --- | --- | --- |")
    for name, run in {"this process": locally, "a warm station": on_station, "a process each": freshly}.items():
        with tempfile.TemporaryDirectory(prefix="curate-overhead-") as folder:
            seconds = run(kills.Trial(Path(folder), shards, 1), shards)
        print(f"| {name} | {seconds:.1f} | {1000 * seconds / shards:.0f} |", flush=True)


def locally(trial: kills.Trial, _shards: int) -> float:
    """From the first shard to the last, as the command line tells it."""
    recipe = ["--recipe", str(trial.folder / "kills.yaml"), "--work-dir", str(trial.work), "--to", "mine"]
    started = time.monotonic()
    subprocess.run([*kills.LAUNCH, *recipe, "--json"], check=True, stdout=subprocess.DEVNULL)
    whole = time.monotonic() - started
    # The second run has nothing to do: what it takes is the start.
    started = time.monotonic()
    subprocess.run([*kills.LAUNCH, *recipe, "--json"], check=True, stdout=subprocess.DEVNULL)
    return whole - (time.monotonic() - started)


def on_station(trial: kills.Trial, _shards: int) -> float:
    """From the first event of the driver to its end."""
    trial.cluster = Cluster(initialize_head=True, head_node_args=kills.HEAD)
    trial.cluster.add_node(**kills.NODE)
    driver = trial.start_driver()
    started = None
    for line in driver.stdout or ():
        if started is None and '"type"' in line:
            started = time.monotonic()
    seconds = time.monotonic() - (started or 0)
    trial.cluster.shutdown()
    return seconds


def freshly(trial: kills.Trial, shards: int) -> float:
    """One command after another."""
    started = time.monotonic()
    for index in range(shards):
        subprocess.run([*kills.LAUNCH, "shard", "--plan", str(trial.plan), "--index", str(index)], check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 48)
