"""What the nodes of a cluster are: asked by `curate doctor --engine ray`, and before kernels are judged on them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time

import node
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_PATIENCE_SECONDS = 900


class Probe:
    """One node, asked from within."""

    def clock(self) -> float:
        """Seconds since 1970 on this node."""
        return time.time()

    def facts(self, config: dict) -> dict:
        """What the command line says of this node."""
        node.make_ready(config)
        root = node.package_root(config)
        command = [node.node_program(root), str(root / "pipelines" / "launch.js"), "node-facts", config["folder"]]
        # Ray hides the GPUs from whoever asked for none.
        environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                return {**json.loads(line), "error": None}
        return {"host": socket.gethostname(), "error": (done.stderr or done.stdout)[-800:] or "it said nothing"}


def ask(each: dict, config: dict) -> dict:
    """The facts of one node; what goes wrong is one of them."""
    where = NodeAffinitySchedulingStrategy(each["NodeID"], soft=False)
    known = {
        "node_id": each["NodeID"],
        "host": each["NodeManagerHostname"],
        "cores": each["Resources"].get("CPU", 0),
        "gpu_slots": each["Resources"].get("GPU", 0),
    }
    probe = ray.remote(Probe).options(num_cpus=0, scheduling_strategy=where).remote()
    try:
        ray.get(probe.clock.remote(), timeout=_PATIENCE_SECONDS)
        before = time.time()
        theirs = ray.get(probe.clock.remote(), timeout=60)
        skew = theirs - (before + time.time()) / 2
        return {**known, "clock_skew_s": skew, **ray.get(probe.facts.remote(config), timeout=_PATIENCE_SECONDS)}
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        return {**known, "error": str(cause or error)[-800:]}


def main(arguments: list[str]) -> None:
    """Prints the facts of every node that is alive, one JSON object per line."""
    config = node.read_config(arguments[0])
    ray.cloudpickle.register_pickle_by_value(node)
    ray.init(address=config.get("address"), log_to_driver=False, logging_level="error")
    for each in ray.nodes():
        if each["Alive"]:
            print(json.dumps({"type": "node_facts", **ask(each, config)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
