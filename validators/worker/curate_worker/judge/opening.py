"""Opens a judge's station: starts the fork server, looks at the device, probes the sandbox."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from .builds.builder import Builder
from .builds.toolchain import Toolchain, find_toolchain
from .device_lock import DeviceLock
from .environment import describe_environment, interpreter_does_bfloat16, triton_version
from .faults import MachineFault, RunnerLost
from .fork_client import ForkServer, Room
from .runner_handle import RunnerHandle
from .station import Station

_SCRATCH_PREFIX = "curate-judge-"
_PROBE_SECONDS = 120.0
_PROBE_MEMORY_BYTES, _PROBE_SCRATCH_BYTES = 4 << 30, 64 << 20
# What a program must not be able to read; folders count as read when their names can be listed.
_FORBIDDEN = ["/root", "/home", "/etc/shadow", "/proc/1/environ", "/var/log"]
_PASSED_ON = (
    *("PATH", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "HOME"),
    *("TRITON_LIBCUDA_PATH", "TRITON_PTXAS_PATH", "CC"),
)


@contextmanager
def open_station(device: str, slot: str, cache_folder: Path, threads: int) -> Iterator[tuple[Station, dict]]:
    """A station, and what the orchestrator is told of it. Raises MachineFault."""
    # Comparing is a matter of one core: a second pool of threads would fight with those of the runners for the others.
    torch.set_num_threads(1)
    root = _scratch_root()
    server: ForkServer | None = None
    try:
        server, ready, probed = _start(root, device, threads)
        if device == "cuda" and not probed["device"]["cuda"]:
            server.close()
            device, slot = "cpu", "cpu"
            server, ready, probed = _start(root, device, threads)
        gpu = probed["device"]
        tools = find_toolchain(tuple(gpu["capability"]) if device == "cuda" else None)
        station = Station(
            device=device,
            server=server,
            builder=Builder(server, cache_folder / "builds", tools, gpu=device == "cuda"),
            locks={name: DeviceLock("cpu" if name == "cpu" else slot) for name in {"cpu", device}},
            environments={name: describe_environment(name, gpu, tools, threads) for name in {"cpu", device}},
            has_triton=triton_version() is not None,
            interpreter_does_bfloat16=interpreter_does_bfloat16(),
        )
        yield station, _facts(station, tools, ready, probed)
    finally:
        if server is not None:
            server.close()
        shutil.rmtree(root, ignore_errors=True)


def _start(root: Path, device: str, threads: int) -> tuple[ForkServer, dict, dict]:
    server = ForkServer(root, _environment(device, threads))
    try:
        ready = server.wait_until_ready()
        room = Room(None if device == "cuda" else _PROBE_MEMORY_BYTES, _PROBE_SCRATCH_BYTES)
        with RunnerHandle(server, room, _PROBE_SECONDS) as runner:
            forbidden = [*_FORBIDDEN, str(Path.home()), str(root)]
            answer = runner.request("probe", {"device": device, "forbidden": forbidden})
            if answer.kind != "probed":
                raise MachineFault("device_unusable", str(answer.body.get("text")))
            return server, ready, {**answer.body, "layers": runner.layers, "missing": runner.missing}
    except RunnerLost as lost:
        server.close()
        raise MachineFault("device_unusable", f"the device could not be looked at: {lost}") from lost
    except BaseException:
        server.close()
        raise


def _facts(station: Station, tools: Toolchain, ready: dict, probed: dict) -> dict:
    return {
        "device": station.device,
        "environment": {**station.environments[station.device], "sandbox": probed["layers"]},
        "sandbox_missing": probed["missing"],
        "sandbox_leaks": sorted(name for name, leaks in probed["sandbox"].items() if leaks),
        "fork_server": {"threads": ready["threads"], "touched_cuda": ready["touched_cuda"]},
        "tools": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "triton": triton_version(),
            "g++": tools.cxx_version,
            "nvcc": tools.nvcc_version,
            "gpu": probed["device"].get("name"),
        },
    }


# Nothing of the orchestrator's environment but what programs need to find their libraries.
def _environment(device: str, threads: int) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    real_home = passed.pop("HOME", "/root")
    fixed = {
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": str(threads),
        # NumPy's library starts its threads on import, and a process with threads must not fork.
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": str(threads),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        # PyTorch asks on import whether there is a GPU; asked through CUDA, no forked process could use it any more.
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
        "CURATE_REAL_HOME": real_home,
        "HOME": real_home,
    }
    if device == "cpu":
        fixed |= {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    return passed | fixed


def _scratch_root() -> Path:
    folder = Path(tempfile.gettempdir())
    for stale in folder.glob(f"{_SCRATCH_PREFIX}*"):
        pid = stale.name.removeprefix(_SCRATCH_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if pid.isdigit() and stale.stat().st_uid == os.geteuid() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(stale, ignore_errors=True)
    root = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH_PREFIX}{os.getpid()}-"))
    # Runners of another user must be able to reach their own folders inside.
    root.chmod(0o711)
    return root
