"""How many stations a cluster has room for, and what each of them gets."""

from __future__ import annotations


def slots_of(resources: dict, config: dict) -> int:
    """How many stations a node has room for."""
    wanted = {"CPU": config["cpus"], "GPU": config["gpus"]}
    return min(int(resources.get(name, 0) // count) for name, count in wanted.items() if count > 0)


def with_defaults(config: dict, nodes: list[dict]) -> dict:
    """
    The configuration with what the cluster decides: a GPU per station where there are any and the stage uses them, and
    half of the cores that come with it; the other half is for compiling ahead.
    """
    resources = [each["Resources"] for each in nodes if each["Alive"]]
    gpus = config["gpus"]
    if gpus is None:
        gpus = 1 if config["needs_gpu"] and any(each.get("GPU", 0) > 0 for each in resources) else 0
    cpus = config["cpus"]
    if cpus is None and gpus > 0:
        shares = [each.get("CPU", 0) / each["GPU"] for each in resources if each.get("GPU", 0) > 0]
        cpus = max(1, int(min(shares, default=1) * gpus // 2))
    return {**config, "gpus": gpus, "cpus": 1 if cpus is None else cpus}
