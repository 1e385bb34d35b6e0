"""
How long one call takes whose program copies its input, all of it on the GPU: with tensors that cross to the sandboxed
process and back in memory of the GPU, and through the processor and a socket, as it was before. Needs a GPU:
`python bench/gpu-transfer.py [MEBIBYTES ...]`. Prints seconds per call (the median of 5) and the ratio.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "validators" / "worker"))

from curate_worker.channel import Message
from curate_worker.judge.fork_client import ForkServer, Room
from curate_worker.judge.launch import launch
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.tensors import Blob, as_bytes, describe, same_bytes
from curate_worker.values import Parcel

_COPY = """
import torch
class Model(torch.nn.Module):
    def forward(self, x):
        return x.clone()
def get_inputs():
    return []
def get_init_inputs():
    return []
"""
_ROUNDS, _WARM_UPS = 5, 2
_SCRATCH_BYTES = 64 << 20


def main() -> None:
    """One runner per way; the same tensors."""
    sizes = [int(text) for text in sys.argv[1:]] or [1, 16, 256, 1024]
    launched = launch("cuda", 4)
    try:
        launched.server.wait_until_ready()
        print(f"{torch.cuda.get_device_name()}: seconds per call")
        print(f"{'MiB':>6} {'GPU memory':>12} {'socket':>12} {'ratio':>8}")
        for size in sizes:
            tensor = torch.arange(size << 17, device="cuda").view(torch.uint8)
            shared = _median_seconds(launched.server, tensor, shares_gpu=True)
            sent = _median_seconds(launched.server, tensor, shares_gpu=False)
            print(f"{size:6} {shared:12.5f} {sent:12.5f} {sent / shared:8.1f}")
    finally:
        launched.server.close()
        shutil.rmtree(launched.root, ignore_errors=True)


def _median_seconds(server: ForkServer, tensor: torch.Tensor, *, shares_gpu: bool) -> float:
    times = []
    with RunnerHandle(server, Room(None, _SCRATCH_BYTES, shares_gpu), 120.0) as runner:
        opened = {"workload": "w", "source": _COPY, "axes": {}, "device": "cuda", "seed": 1}
        _ask(runner, "open_reference", opened, "opened")
        for _ in range(_WARM_UPS + _ROUNDS):
            torch.cuda.synchronize()
            start = time.perf_counter()
            returned = _call(runner, tensor if shares_gpu else memoryview(tensor.cpu().numpy()), tensor)
            torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
            if not same_bytes(returned, tensor):
                raise RuntimeError("what came back is not what was sent")
    return statistics.median(times[_WARM_UPS:])


def _call(runner: RunnerHandle, blob: Blob, tensor: torch.Tensor) -> torch.Tensor:
    parcel = Parcel([{"$": "tensor", "v": 0}], [describe(tensor)], [blob])
    fixed = {"workload": "w", "seed": 1, "flush": False, "parcel": parcel.body()}
    _ask(runner, "stage", fixed, "staged", parcel.blobs)
    answer = _ask(runner, "call", {"workload": "w", "blocked": False, "ablated": False}, "called")
    return as_bytes(answer.blobs[0]).to("cuda")


def _ask(runner: RunnerHandle, kind: str, body: dict, wanted: str, blobs: list[Blob] | None = None) -> Message:
    answer = runner.request(kind, body, blobs or [])
    if answer.kind != wanted:
        raise RuntimeError(f"{kind}: {answer.body}")
    return answer


if __name__ == "__main__":
    main()
