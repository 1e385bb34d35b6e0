"""
Kills one thing at a time while shards run on two nodes with fake GPUs, and shows what came of it:
`python bench/ray/kills.py [shards] [files] [kill]...`, with a Python that has Ray, and `node` on the PATH.
The second node is the victim; a driver or head that was killed is started again, as a user would.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ray.cluster_utils import Cluster

ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT / "pipelines" / "engines" / "ray" / "driver.py"
LAUNCH = ["node", str(ROOT / "pipelines" / "launch.js")]
HEAD = {"num_cpus": 0, "num_gpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False}
NODE = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": 80 << 20}
FROZEN_SECONDS = 45
KERNEL = """import triton
import triton.language as tl


@triton.jit
def kernel_{0}(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n) * {0}, mask=offsets < n)
"""


class Trial:
    """A work directory, a cluster, and the driver on it."""

    def __init__(self, folder: Path, shards: int, files: int) -> None:
        self.folder, self.shards = folder, shards
        self.work = folder / "work"
        recipe = {"name": "kills", "mine": {"languages": {"triton": {}}}, "filters": {}}
        recipe |= {"export": {"configs": {}, "formats": {}}}
        recipe["sources"] = [{"id": f"s{i:03}", "folder": {"path": str(folder / f"s{i:03}")}} for i in range(shards)]
        for i in range(shards):
            (folder / f"s{i:03}").mkdir(parents=True)
            for j in range(files):
                (folder / f"s{i:03}" / f"k{j}.py").write_text(KERNEL.format(1000 * i + j))
        (folder / "kills.yaml").write_text(json.dumps(recipe))
        self.plan = self.work / "kills" / "plans" / "mine.json"
        self.make_plan()

    def make_plan(self) -> list[str]:
        """Plans what is still to be done."""
        arguments = ["plan", "--recipe", str(self.folder / "kills.yaml"), "--stage", "mine", "--json"]
        done = subprocess.run(
            [*LAUNCH, *arguments, "--work-dir", str(self.work)], capture_output=True, text=True, check=True
        )
        return [each["shard"] for each in json.loads(done.stdout.splitlines()[-1])["data"]["shards"]]

    def start_cluster(self) -> None:
        """Two nodes, and a head without work. On a busy machine a raylet may miss Ray's 30 s for its start."""
        for left in (2, 1, 0):
            try:
                self.cluster = Cluster(initialize_head=True, head_node_args=HEAD)
                self.cluster.add_node(**NODE)
                self.victim = self.cluster.add_node(**NODE)
                return
            except Exception:
                if left == 0:
                    raise

    def start_driver(self) -> subprocess.Popen:
        """The driver over what is still to be done."""
        config = {"stage": "mine", "shards": self.make_plan(), "package": str(ROOT), "needs_python": False}
        config |= {"arguments": ["--plan", str(self.plan), "--engine", "ray", "--json"], "needs_gpu": False}
        config |= {
            "cpus": 1,
            "gpus": 1,
            "stations": 2,
            "depth": 1,
            "retries": 3,
            "timeout_s": None,
            "silence_s": 30,
            "builds_for": None,
        }
        config |= {"progress_file": str(self.folder / "progress.json"), "address": self.cluster.address}
        (self.folder / "config.json").write_text(json.dumps(config))
        return subprocess.Popen(
            [sys.executable, str(DRIVER), str(self.folder / "config.json")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, kill: Callable[[Trial, subprocess.Popen], None] | None) -> float:
        """Runs everything, with the kill after the victim's first shard; seconds from start to end."""
        started = time.monotonic()
        driver = self.start_driver()
        killed = kill is None
        for line in driver.stdout or ():
            if not killed and '"shard_finished"' in line and json.loads(line)["node_id"] == self.victim.node_id:
                killed = True
                kill(self, driver)
        driver.wait()
        while self.make_plan():
            again = self.start_driver()
            again.communicate()
        return time.monotonic() - started

    def facts(self) -> dict:
        """What lies on the disk, and what still runs."""
        root = self.work / "kills"
        manifests = list((root / "mine").glob("*/manifest.json"))
        tries = [
            json.loads(line)
            for log in (root / "logs").glob("*.jsonl")
            for line in log.read_text().splitlines()
            if '"try ended"' in line
        ]
        commits = Counter(each["shard"] for each in tries if each["committed"])
        rows = sum(json.loads(path.read_text())["counts"]["written"].get("kernels", 0) for path in manifests)
        return {
            "parts": f"{len(manifests)}/{self.shards}",
            "tries": len(tries),
            "committed twice": sum(count > 1 for count in commits.values()),
            "rows": rows,
            "orphans": len(processes_with(str(self.folder))),
        }


def processes_with(text: str, *, name: str = "") -> list[int]:
    """Processes whose command line holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if text in line and name in line:
                    found.append(int(entry.name))
    return found


def children_of(pid: int) -> list[int]:
    """Direct children."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if entry.name.isdigit() and (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(entry.name))
    return found


def raylet_of(trial: Trial) -> int:
    """The victim's raylet."""
    return trial.victim.all_processes["raylet"][0].process.pid


def send(pids: list[int], what: signal.Signals) -> None:
    """Sends a signal to processes that may be gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def kill_worker(trial: Trial, _driver: subprocess.Popen) -> None:
    """The Ray worker of the victim's station."""
    send([pid for pid in children_of(raylet_of(trial)) if children_of(pid)], signal.SIGKILL)


def kill_raylet(trial: Trial, _driver: subprocess.Popen) -> None:
    """The victim's raylet, and with it the node."""
    send([raylet_of(trial)], signal.SIGKILL)


def kill_driver(_trial: Trial, driver: subprocess.Popen) -> None:
    """The driver; it is started again."""
    driver.kill()


def kill_head(trial: Trial, driver: subprocess.Popen) -> None:
    """The whole head and the driver on it; a new cluster is started, then the driver."""
    driver.kill()
    for processes in trial.cluster.head_node.all_processes.values():
        send([each.process.pid for each in processes], signal.SIGKILL)
    trial.cluster.shutdown()
    trial.start_cluster()


def freeze_node(trial: Trial, _driver: subprocess.Popen) -> None:
    """Everything of the victim stands still, and goes on later."""
    workers = children_of(raylet_of(trial))
    frozen = [raylet_of(trial), *workers, *(child for worker in workers for child in children_of(worker))]
    send(frozen, signal.SIGSTOP)
    subprocess.Popen(["sh", "-c", f"sleep {FROZEN_SECONDS}; kill -CONT {' '.join(map(str, frozen))} 2>/dev/null"])


def freeze_worker(trial: Trial, _driver: subprocess.Popen) -> None:
    """The Ray worker of the victim's station stands still for good; its raylet is well, so that Ray sees nothing."""
    send([pid for pid in children_of(raylet_of(trial)) if children_of(pid)], signal.SIGSTOP)


def kill_own(trial: Trial, _driver: subprocess.Popen) -> None:
    """The command line that the victim's station runs."""
    workers = children_of(raylet_of(trial))
    send([child for worker in workers for child in children_of(worker)], signal.SIGKILL)


KILLS = {"nothing": None, "worker": kill_worker, "raylet": kill_raylet, "driver": kill_driver, "head": kill_head}
KILLS |= {"frozen node": freeze_node, "frozen worker": freeze_worker, "our own command line": kill_own}


def main(shards: int = 16, files: int = 150, *kills: str) -> None:
    """Prints the table."""
    print("| killed | parts | tries that ended | committed twice | rows | orphans | seconds | lost |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    undisturbed = None
    for name, kill in KILLS.items():
        if kills and name not in ("nothing", *kills):
            continue
        with tempfile.TemporaryDirectory(prefix="curate-kills-") as folder:
            trial = Trial(Path(folder), shards, files)
            trial.start_cluster()
            seconds = trial.run(kill)
            trial.cluster.shutdown()
            time.sleep(FROZEN_SECONDS if kill is freeze_node else 3)
            facts = trial.facts()
        undisturbed = undisturbed or seconds
        cells = [name, *facts.values(), f"{seconds:.0f}", f"{max(0.0, seconds - undisturbed):.0f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
