"""Starts a Ray of two nodes with a fake GPU each, runs the driver there, and kills the first to finish a shard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from ray._private.node import Node
from ray.cluster_utils import Cluster

_HEAD = {"num_cpus": 0, "num_gpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False}
_NODE = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": 80 << 20}
# A node counts as dead two seconds after it last answered; by default it takes half a minute.
_HEALTH = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}


def main(driver: str, config_path: str) -> int:
    """Prints what the driver prints, and `{"killed": node}`."""
    cluster = Cluster(initialize_head=True, head_node_args={**_HEAD, "_system_config": _HEALTH})
    nodes = {node.node_id: node for node in (cluster.add_node(**_NODE), cluster.add_node(**_NODE))}
    config = {**json.loads(Path(config_path).read_text()), "address": cluster.address}
    Path(config_path).write_text(json.dumps(config))
    child = subprocess.Popen([sys.executable, driver, config_path], stdout=subprocess.PIPE, text=True)
    try:
        for line in child.stdout or ():
            sys.stdout.write(line)
            if '"shard_finished"' in line and len(nodes) > 1:
                lost = nodes.pop(json.loads(line)["node_id"])
                kill_workers(lost)
                cluster.remove_node(lost, allow_graceful=False)
                sys.stdout.write(f"{json.dumps({'killed': lost.node_id})}\n")
        return child.wait()
    finally:
        child.kill()
        cluster.shutdown()


def kill_workers(node: Node) -> None:
    """When a machine goes, all of it goes at once."""
    raylet = node.all_processes["raylet"][0].process.pid
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if entry.name.isdigit() and (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(raylet):
                os.kill(int(entry.name), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
