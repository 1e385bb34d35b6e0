"""Triton as a program sees it where nothing can be launched: kernels are compiled for a given GPU, launches noted."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

import torch

from .pretended_gpu import DEVICE

_MOST_LAUNCHES: Final = 4096
# What its own functions in Triton were made for is decided when they are imported.
_INTERPRETER: Final = "TRITON_INTERPRET"


@dataclass(frozen=True)
class RecordedLaunch:
    """A launch that was asked for."""

    kernel: object
    """What was compiled for it, a `CompiledKernel`."""
    grid: tuple[object, ...]
    arguments: dict[str, object]
    """By name, constants among them."""


class TritonRecorder:
    """Compiles for one GPU and notes what would have been launched."""

    def __init__(self, capability: tuple[int, int], *, with_launchers: bool) -> None:
        self._capability = capability
        self._with_launchers = with_launchers
        self._seen: set[str] = set()
        self.launches: list[RecordedLaunch] = []
        self.tuned: str | None = None
        """A kernel whose configuration is chosen by how long each takes."""

    def install(self) -> None:
        """Puts everything in place; called before a program is loaded. Raises ImportError without Triton."""
        if os.environ.pop(_INTERPRETER, None) is not None:
            _forget_interpreted()
        compiler = importlib.import_module("triton.backends.compiler")
        driver = importlib.import_module("triton.runtime.driver").driver
        driver.set_active(_driver_for(compiler.GPUTarget("cuda", 10 * self._capability[0] + self._capability[1], 32)))
        kind = importlib.import_module("triton.runtime.jit").JITFunction
        self._wrap(kind, self._run_instead)
        self._wrap(importlib.import_module("triton.runtime.autotuner").Autotuner, self._tune_instead)

    @staticmethod
    def _wrap(kind: type, instead: Callable) -> None:
        original = kind.run
        kind.run = lambda self, *args, **options: instead(original, self, *args, **options)

    def _run_instead(self, original: Callable, function: object, *args: object, **options: object) -> object:
        grid = options.pop("grid", ())
        options.pop("warmup", None)
        kernel = original(function, *args, grid=grid, warmup=True, **options)
        if kernel is None or len(self.launches) >= _MOST_LAUNCHES:
            return kernel
        given = dict(zip(function.arg_names, args, strict=False)) | options
        defaults = {item.name: item.default for item in function.params if item.has_default}
        given = {name: given.get(name, defaults.get(name)) for name in function.arg_names}
        sizes = grid(given) if callable(grid) else grid
        self.launches.append(RecordedLaunch(kernel, tuple(sizes), given))
        self._compile_launcher(kernel)
        return kernel

    def _tune_instead(self, original: Callable, tuner: object, *args: object, **options: object) -> object:
        if len(tuner.configs) > 1:
            self.tuned = getattr(tuner.base_fn, "__name__", "a kernel")
        return original(tuner, *args, **options)

    # Before Triton 3.8 or so each signature has a launcher of its own, in C. Where the driver's library is missing, or
    # there is none to be made, there is nothing to be had.
    def _compile_launcher(self, kernel: object) -> None:
        if not self._with_launchers or kernel.hash in self._seen:
            return
        self._seen.add(kernel.hash)
        with contextlib.suppress(Exception):
            importlib.import_module("triton.backends.nvidia.driver").CudaLauncher(kernel.src, kernel.metadata)


# All but its library, which can be loaded once.
def _forget_interpreted() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "triton"]:
        if not name.startswith("triton._C"):
            del sys.modules[name]


def _driver_for(target: object) -> object:
    def benchmarker(call: Callable[[], object], quantiles: tuple | None = None, **_: object) -> object:
        call()
        return 1.0 if quantiles is None else [1.0] * len(quantiles)

    return SimpleNamespace(
        get_current_device=lambda: 0,
        set_current_device=lambda _: None,
        get_current_stream=lambda _=0: 0,
        get_current_target=lambda: target,
        get_active_torch_device=lambda: DEVICE,
        get_device_interface=lambda: torch.cuda,
        get_benchmarker=lambda: benchmarker,
    )
