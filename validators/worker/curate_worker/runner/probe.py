"""Facts about the device and the sandbox, found out by trying, in a runner that will see no program."""

from __future__ import annotations

import importlib
import os
import socket
from pathlib import Path

import torch


def probe_device(device: str) -> dict:
    """What PyTorch says of the GPU, or why it cannot use it; initialises CUDA."""
    if device == "cpu":
        return {"cuda": False, "reason": None}
    try:
        torch.ones(1, device="cuda").add_(1).cpu()
    except (RuntimeError, AssertionError) as error:
        return {"cuda": False, "reason": str(error).strip().partition("\n")[0]}
    properties = torch.cuda.get_device_properties(0)
    return {
        "cuda": True,
        "reason": None,
        "name": properties.name,
        "capability": list(torch.cuda.get_device_capability(0)),
        "memory_bytes": properties.total_memory,
    }


def triton_cache() -> tuple[list[str], list[memoryview]]:
    """
    What Triton compiles once per cache and not per kernel, for the caches of later processes: names and contents. Empty
    where there is no Triton, or one that does it otherwise.
    """
    try:
        _ = importlib.import_module("triton.runtime.driver").driver.active.utils
    except Exception:
        return [], []
    root = Path(os.environ["TRITON_CACHE_DIR"])
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return [str(path.relative_to(root)) for path in paths], [memoryview(path.read_bytes()) for path in paths]


def probe_sandbox(forbidden: list[str]) -> dict[str, bool]:
    """What a program could do here that it should not be able to; every value should be false."""
    return {
        "network": _can_open_socket(),
        "local_sockets": _can_reach_local_socket(),
        "files": any(_can_read(path) for path in forbidden),
        "outside_writes": _can_write_outside(),
        "judge_signals": _can_signal_parent(),
    }


def _can_open_socket() -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(0.2)
            # A reserved address (RFC 5737): with a network this times out, without one it is unreachable at once.
            connection.connect(("192.0.2.1", 9))
        return True
    except TimeoutError:
        return True
    except OSError:
        return False


# Of its own, where it may write: whoever reaches that one reaches those of others.
def _can_reach_local_socket() -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
            listener.bind(str(Path(os.environ["TMPDIR"]) / "probe.sock"))
            listener.listen(1)
            caller.settimeout(0.2)
            caller.connect(listener.getsockname())
    except OSError:
        return False
    return True


def _can_read(path: str) -> bool:
    try:
        place = Path(path)
        return bool(list(place.iterdir())) if place.is_dir() else bool(place.read_bytes())
    except OSError:
        return False


def _can_write_outside() -> bool:
    for folder in ("/tmp", "/var/tmp"):
        path = Path(folder) / f"curate-probe-{os.getpid()}"
        try:
            path.write_text("")
            path.unlink()
        except OSError:
            continue
        return True
    return False


def _can_signal_parent() -> bool:
    try:
        os.kill(os.getppid(), 0)
    except OSError:
        return False
    return True
