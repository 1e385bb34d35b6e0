"""
What Triton's interpreter lacks without a GPU and can honestly be given: none of it computes anything a GPU would
compute otherwise. What is still missing fails, and is reported as the interpreter's failure, not the kernel's.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import numpy as np
import torch

from . import triton_bfloat16, triton_philox
from .libdevice import FUNCTIONS
from .triton_builtins import remember_builtins

# An imaginary GPU for launchers that size their grid by it: any size gives the same results.
_IMAGINED = SimpleNamespace(name="interpreter", multi_processor_count=4, major=9, minor=0, warp_size=32)
_LIBDEVICES = ("triton.language.extra.libdevice", "triton.language.extra.cuda.libdevice")


def install() -> None:
    """Puts everything in place; called before a program is loaded."""
    try:
        autotuner = importlib.import_module("triton.runtime.autotuner")
        interpreter = importlib.import_module("triton.runtime.interpreter")
        language = importlib.import_module("triton.language")
    except ImportError:
        return
    _take_first_configuration(autotuner)
    _pass_floats_as_float32(interpreter, language)
    triton_bfloat16.install(interpreter, language)
    remember_builtins(interpreter, language)
    triton_philox.install(interpreter, language)
    for name in _LIBDEVICES:
        with contextlib.suppress(ImportError):
            _give_libdevice(importlib.import_module(name), interpreter, language)
    _imagine_device()


# Choosing by time means nothing under the interpreter.
def _take_first_configuration(autotuner: ModuleType) -> None:
    original = autotuner.autotune

    def autotune(configs: list, key: list[str], **options: object) -> Callable:
        options.pop("prune_configs_by", None)
        return original(configs=configs[:1], key=key, **options)

    for module in ("triton", "triton.runtime", "triton.runtime.autotuner"):
        importlib.import_module(module).autotune = autotune


# A launch passes numbers with a fraction as float32; the interpreter would leave them Python numbers without methods.
def _pass_floats_as_float32(interpreter: ModuleType, language: ModuleType) -> None:
    original = getattr(interpreter, "_implicit_cvt", None)
    if original is None:
        return

    def convert(value: object) -> object:
        if isinstance(value, float):
            handle = interpreter.TensorHandle(np.array([value], dtype=np.float32), language.float32)
            return language.tensor(handle, language.float32)
        return original(value)

    interpreter._implicit_cvt = convert


def _give_libdevice(module: ModuleType, interpreter: ModuleType, language: ModuleType) -> None:
    def wrap(compute: Callable[..., torch.Tensor]) -> Callable:
        def call(*arguments: object, **_: object) -> object:
            tensors = [item for item in arguments if hasattr(item, "handle")]
            plain = [
                torch.from_numpy(item.handle.data.copy()) if hasattr(item, "handle") else item for item in arguments
            ]
            result = compute(*plain).numpy()
            first = tensors[0]
            kind = first.type.scalar if result.dtype == first.handle.data.dtype else language.int32
            shape = language.block_type(kind, list(result.shape)) if first.type.is_block() else kind
            return language.tensor(interpreter.TensorHandle(result.astype(result.dtype), kind), shape)

        return call

    for name, compute in FUNCTIONS.items():
        if hasattr(module, name):
            setattr(module, name, wrap(compute))


def _imagine_device() -> None:
    torch.cuda.device = torch.cuda.device_of = lambda *_: contextlib.nullcontext()
    torch.cuda.synchronize = lambda *_: None
    torch.cuda.current_device = lambda: 0
    torch.cuda.get_device_properties = lambda *_: _IMAGINED
    torch.cuda.get_device_capability = lambda *_: (_IMAGINED.major, _IMAGINED.minor)
