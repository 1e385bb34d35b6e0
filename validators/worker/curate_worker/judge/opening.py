"""Opens a judge's station: starts the fork server, looks at the device, probes the sandbox."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch

from ..tensors import keep_on_gpu, same_bytes
from ..window import WINDOW_BYTES
from .baseline_cache import BaselineCache
from .builds.build_cache import BuildCache
from .builds.builder import Builder, run_in_sandbox
from .builds.headers import HeaderStore
from .builds.toolchain import Toolchain, find_sanitizer, find_toolchain
from .builds.triton_kernels import TritonKernels
from .device_lock import PROCESSOR, DeviceLocks
from .environment import describe_environment, interpreter_does_bfloat16, triton_version
from .faults import MachineFault, RunnerLost
from .fork_client import ForkServer, Room
from .gpu_meter import GpuMeter
from .health import require_healthy
from .launch import Launched, launch, launch_server
from .leaves import compute_on
from .peaks import peaks_of
from .proofs import ProofStore
from .rehearsal import Stage
from .runner_handle import RunnerHandle
from .station import Station

_PROBE_SECONDS = 120.0
# An H100's, as nvcc's where there is no GPU.
_USUAL_CAPABILITY = (9, 0)
_PROBE_MEMORY_BYTES, _PROBE_SCRATCH_BYTES = 4 << 30, 64 << 20
# Each process finds out by itself then.
_NO_TRITON: Final = {"triton_cache": {}, "triton_identity": None}
# What a program must not be able to read; folders count as read when their names can be listed.
_FORBIDDEN = ["/root", "/home", "/etc/shadow", "/proc/1/environ", "/var/log"]


@contextmanager
def open_station(
    device: str, slot: str, cache_folder: Path, threads: int, launched: Launched | None = None
) -> Iterator[tuple[Station, dict]]:
    """A station, and what the orchestrator is told of it. Raises MachineFault."""
    # Comparing is a matter of one core: a second pool of threads would fight with those of the runners for the others.
    torch.set_num_threads(1)
    launched = launch(device, threads) if launched is None else launched
    root, server = launched.root, launched.server
    try:
        ready, probed = _greet(root, server, device)
        reason = probed["device"]["reason"]
        if device == "cuda" and not probed["device"]["cuda"]:
            server.close()
            device, slot = "cpu", "cpu"
            server = launch_server(root, device, threads)
            ready, probed = _greet(root, server, device)
        gpu = probed["device"]
        compute_on(device)
        require_healthy(device)
        shares_gpu = device == "cuda" and probed["gpu_memory_unshared"] is None
        if shares_gpu:
            keep_on_gpu()
        capability = tuple(gpu["capability"]) if device == "cuda" else launched.builds_for
        tools = find_toolchain(capability)
        for_gpu = capability is not None
        stage = Stage(server, capability or _USUAL_CAPABILITY)
        station = Station(
            device=device,
            server=server,
            builder=_builder(server, cache_folder / "builds", tools, probed["layers"], gpu=for_gpu),
            baselines=BaselineCache(cache_folder / "baselines"),
            proofs=ProofStore(cache_folder / "proofs"),
            locks=DeviceLocks({PROCESSOR: PROCESSOR} | ({} if device == PROCESSOR else {device: slot})),
            environments={name: describe_environment(name, gpu, tools, threads) for name in {"cpu", device}},
            stage=stage,
            kernels=TritonKernels(cache_folder / "builds", tools, stage) if for_gpu else None,
            has_triton=triton_version() is not None,
            interpreter_does_bfloat16=interpreter_does_bfloat16(),
            triton_cache=probed["triton_cache"],
            triton_identity=probed["triton_identity"],
            sanitizer=find_sanitizer() if device == "cuda" else None,
            meter=GpuMeter.open(slot) if device == "cuda" else None,
            peaks=peaks_of(launched.peaks) if device == "cuda" else None,
            shares_gpu=shares_gpu,
        )
        yield station, {**_facts(station, tools, ready, probed), "gpu_unusable": reason}
    finally:
        server.close()
        shutil.rmtree(root, ignore_errors=True)


# What a program could write to, no later build may be compiled with.
def _builder(server: ForkServer, folder: Path, tools: Toolchain, layers: list[str], *, gpu: bool) -> Builder:
    headers = HeaderStore(folder / "headers", server.headers, tools, run_in_sandbox(server))
    is_protected = "landlock" in layers or "own-user" in layers
    return Builder(server, BuildCache(folder), tools, headers if is_protected else None, gpu=gpu)


# The GPU's context is made while the fork server imports, and Triton tells of itself while a runner makes another.
def _greet(root: Path, server: ForkServer, device: str) -> tuple[dict, dict]:
    with ThreadPoolExecutor() as beside:
        begun = beside.submit(server.wait_until_ready)
        has_gpu = device == "cuda" and torch.cuda.is_available()
        triton = beside.submit(_probe_triton, server, begun) if has_gpu else None
        samples: list[torch.Tensor] = []
        unshared = None
        if device == "cuda":
            try:
                samples = [torch.arange(WINDOW_BYTES + 1, device="cuda").to(torch.uint8)]
            except (RuntimeError, AssertionError) as error:
                unshared = _first_line(error)
        ready = begun.result()
        probed = _probed(root, server, device, (samples, unshared))
        return ready, {**probed, **(_NO_TRITON if triton is None else triton.result())}


def _probed(root: Path, server: ForkServer, device: str, shared: tuple[list[torch.Tensor], str | None]) -> dict:
    samples, unshared = shared
    if samples:
        try:
            return {**_probe(root, server, device, samples), "gpu_memory_unshared": None}
        except (MachineFault, RunnerLost, OSError, RuntimeError, AssertionError) as error:
            unshared = _first_line(error)
    try:
        return {**_probe(root, server, device, []), "gpu_memory_unshared": unshared}
    except RunnerLost as lost:
        raise MachineFault("device_unusable", f"the device could not be looked at: {lost}") from lost


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


# What goes there on the GPU must come back as it was.
def _probe(root: Path, server: ForkServer, device: str, samples: list[torch.Tensor]) -> dict:
    room = Room(None if device == "cuda" else _PROBE_MEMORY_BYTES, _PROBE_SCRATCH_BYTES, shares_gpu=bool(samples))
    with RunnerHandle(server, room, _PROBE_SECONDS) as runner:
        forbidden = [*_FORBIDDEN, str(Path.home()), str(root)]
        answer = runner.request("probe", {"device": device, "forbidden": forbidden}, samples)
        if answer.kind != "probed":
            raise MachineFault("device_unusable", str(answer.body.get("text")))
        if not all(same_bytes(*pair) for pair in zip(samples, answer.blobs, strict=True)):
            raise MachineFault("device_unusable", "what crossed in memory of the GPU came back as something else")
        return {**answer.body, "layers": runner.layers, "missing": runner.missing}


# In a process of its own: to compile what Triton needs and to read all of its files takes as long as making a context.
def _probe_triton(server: ForkServer, begun: Future[dict]) -> dict:
    begun.result()
    try:
        with RunnerHandle(server, Room(None, _PROBE_SCRATCH_BYTES), _PROBE_SECONDS) as runner:
            answer = runner.request("probe_triton", {})
    except (MachineFault, RunnerLost):
        return _NO_TRITON
    if answer.kind != "triton_probed":
        return _NO_TRITON
    cache = {name: bytes(blob) for name, blob in zip(answer.body["triton_cache"], answer.blobs, strict=True)}
    return {"triton_cache": cache, "triton_identity": answer.body["triton_identity"]}


def _facts(station: Station, tools: Toolchain, ready: dict, probed: dict) -> dict:
    return {
        "device": station.device,
        "environment": {**station.environments[station.device], "sandbox": probed["layers"]},
        "gpu_memory_unshared": probed["gpu_memory_unshared"],
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
