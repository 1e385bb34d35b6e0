"""Starts the fork server: imports what runners use, once, and forks it before the judge becomes anything else."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .fork_client import ForkServer

_SCRATCH_PREFIX = "curate-judge-"
_PASSED_ON = (
    *("PATH", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "HOME"),
    *("TRITON_LIBCUDA_PATH", "TRITON_PTXAS_PATH", "CC"),
)
_READ_ON_IMPORT = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS")
# How often threads of GNU's OpenMP look for the next parallel loop before they sleep: by itself 300,000 times, 8 ms,
# which is a fifth of what judging takes of a busy machine. But whoever has to be woken is late, so calls that are timed
# want it (https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html).
_SPINNING = {"GOMP_SPINCOUNT": "1000"}


@dataclass(frozen=True)
class Launched:
    """A fork server that has just begun, and the folder below which every runner gets its own."""

    root: Path
    server: ForkServer
    builds_for: tuple[int, int] | None = None
    """Compute capability of GPUs of other machines, where only builds for those are wanted."""
    peaks: dict | None = None
    """What the device gives at best; None where nobody knows it."""


def launch(device: str, threads: int, *, forked: bool = False, times_nothing: bool = False) -> Launched:
    """
    Starts a fork server for `cpu` or `cuda`, in a new folder; `forked` from this process, which must have done nothing
    yet. Raises ImportError without PyTorch.
    """
    spinning = _SPINNING if times_nothing else {}
    environment = _environment(device, threads) | spinning
    if forked:
        # Read when their libraries are loaded; the judge itself computes with one thread.
        os.environ.update({name: environment[name] for name in (*_READ_ON_IMPORT, *spinning)})
        importlib.import_module("curate_worker.fork_server")
    root = _scratch_root()
    try:
        return Launched(root, ForkServer(root, environment, forked=forked))
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise


def launch_server(root: Path, device: str, threads: int) -> ForkServer:
    """Starts a fork server in a folder, where this process may have looked at a device already."""
    return ForkServer(root, _environment(device, threads))


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
        "CURATE_REAL_HOME": real_home,
        # Nobody's: the user of a runner has no entry anywhere, and `getpass.getuser` asks these first.
        "LOGNAME": "curate",
        "USER": "curate",
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
