"""
Starts the fork server. Imports nothing heavy, so that judge and fork server import PyTorch at the same time and not one
after the other.
"""

from __future__ import annotations

import contextlib
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


@dataclass(frozen=True)
class Launched:
    """A fork server that is still importing, and the folder below which every runner gets its own."""

    root: Path
    server: ForkServer


def launch(device: str, threads: int) -> Launched:
    """Starts a fork server for `cpu` or `cuda`, in a new folder."""
    root = _scratch_root()
    return Launched(root, launch_server(root, device, threads))


def launch_server(root: Path, device: str, threads: int) -> ForkServer:
    """Starts a fork server in a folder."""
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
