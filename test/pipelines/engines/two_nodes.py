"""
Starts a Ray with fake GPUs and runs the driver there twice: with a node that is sick, and with one that is killed
once it has finished a shard.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from ray._private.node import Node
from ray.cluster_utils import Cluster

# The core of the head is for compiling ahead.
_HEAD = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False}
_NODE = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": 80 << 20}
# A node counts as dead two seconds after it last answered; by default it takes half a minute.
_HEALTH = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}


def main(driver: str, sick_config: str, killed_config: str) -> None:
    """Prints what the drivers print, and `{"sick": node}` and `{"killed": node}`."""
    cluster = Cluster(initialize_head=True, head_node_args={**_HEAD, "_system_config": _HEALTH})
    try:
        well, sick = cluster.add_node(**_NODE), cluster.add_node(**_NODE, env_vars={"SICK": "1"})
        sys.stdout.write(f"{json.dumps({'sick': sick.node_id})}\n")
        for line in output_of(driver, sick_config, cluster.address):
            sys.stdout.write(line)
        sys.stdout.write(f"{json.dumps({'driver': 'ended'})}\n")
        cluster.remove_node(sick, allow_graceful=False)
        nodes = {node.node_id: node for node in (well, cluster.add_node(**_NODE))}
        for line in output_of(driver, killed_config, cluster.address):
            sys.stdout.write(line)
            if '"shard_finished"' in line and len(nodes) > 1:
                lost = nodes.pop(json.loads(line)["node_id"])
                kill_workers(lost)
                cluster.remove_node(lost, allow_graceful=False)
                sys.stdout.write(f"{json.dumps({'killed': lost.node_id})}\n")
    finally:
        cluster.shutdown()


def output_of(driver: str, path: str, address: str) -> Iterator[str]:
    """What a driver prints; one that fails is an error."""
    config = {**json.loads(Path(path).read_text()), "address": address}
    Path(path).write_text(json.dumps(config))
    child = subprocess.Popen([sys.executable, driver, path], stdout=subprocess.PIPE, text=True)
    with closing(child.stdout):
        try:
            yield from child.stdout
        finally:
            if child.wait() != 0:
                raise SystemExit(f"the driver ended with {child.returncode}")


def kill_workers(node: Node) -> None:
    """When a machine goes, all of it goes at once."""
    raylet = node.all_processes["raylet"][0].process.pid
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if entry.name.isdigit() and (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(raylet):
                os.kill(int(entry.name), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
