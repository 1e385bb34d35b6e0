"""A node of the cluster: where the code is, what it needs, and programs that do not outlive who started them."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def read_config(place: str) -> dict:
    """The configuration of a job: a file, or `-` for the environment."""
    return json.loads(os.environ["CURATE_JOB"] if place == "-" else Path(place).read_text())


def curate(config: dict) -> list[str]:
    """The command that runs shards of the plan on this node."""
    root = package_root(config)
    return [node_program(root), str(root / "pipelines" / "launch.js"), "shard", *config["arguments"]]


def package_root(config: dict) -> Path:
    """The code: on shared storage, or what Ray unpacked as the working directory of the job."""
    return Path(config["package"] or Path.cwd())


def node_program(root: Path) -> str:
    """The Node that the package brings. `launch.js` would start it as a child that outlives its killed parent."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "")
    brought = root / "node_modules" / f"node-linux-{machine}" / "bin" / "node"
    return str(brought) if brought.exists() else "node"


def start_child(command: list[str], config: dict) -> subprocess.Popen:
    """Starts a program that dies with the thread that started it. Ray does not end children of a killed worker."""
    parent, system = os.getpid(), ctypes.CDLL(None)

    def die_with_parent() -> None:
        system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    given = {"CURATE_CORES": str(max(1, config["cpus"])), "CURATE_GPUS": str(config["gpus"])}
    environment = {**os.environ, "CURATE_NODE": socket.gethostname(), **given}
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        env=environment,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509
    )


def make_ready(config: dict) -> None:
    """Installs, once per node, what the uploaded package needs; what is there already costs nothing."""
    root = package_root(config)
    if (root / "node_modules").exists():
        return
    cache = Path(os.environ.get("CURATE_NODE_CACHE") or Path.home() / ".cache" / "curate" / "node")
    modules = cache / f"modules-{digest(root / 'package-lock.json')}"
    with held(modules.with_suffix(".lock")):
        if not modules.exists():
            aside = modules.with_suffix(".new")
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            for name in ("package.json", "package-lock.json", ".npmrc"):
                if (root / name).exists():
                    shutil.copy(root / name, aside)
            run_or_fail(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], aside)
            aside.rename(modules)
        with suppress(FileExistsError):
            (root / "node_modules").symlink_to(modules / "node_modules")
    if config["needs_python"] and not os.environ.get("CURATE_PYTHON"):
        python = cache / f"python-{digest(root / 'validators' / 'worker' / 'pyproject.toml')}"
        with held(python.with_suffix(".lock")):
            python.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                (root / ".venv").symlink_to(python)
            run_or_fail([node_program(root), str(root / "pipelines" / "launch.js"), "doctor", "--prepare"], root)


def digest(path: Path) -> str:
    """The beginning of a file's hash."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds a lock among the processes of this node."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_or_fail(command: list[str], folder: Path) -> None:
    """Runs a program; its last lines are the error."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])} on {socket.gethostname()}: {done.stdout[-800:]}")
