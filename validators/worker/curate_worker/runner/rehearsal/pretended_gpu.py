"""
A GPU that is not there: tensors on it have shapes and no memory, and what programs ask of it is answered. What depends
on numbers in a tensor fails, as it must: nobody knows them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Final
from unittest import mock

import torch
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode

DEVICE: Final = torch.device("cuda:0")
# Where the driver puts what it allocates is a multiple of far more than Triton looks for.
_ADDRESS: Final = 1 << 20


@contextlib.contextmanager
def pretended_gpu(properties: dict) -> Iterator[None]:
    """Within it programs find a GPU with these `properties`, which `torch.cuda.get_device_properties` has."""
    told = SimpleNamespace(**properties)
    answers = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "_lazy_init": lambda: None,
        "current_device": lambda: 0,
        "device_count": lambda: 1,
        "device": lambda *_: contextlib.nullcontext(),
        "device_of": lambda *_: contextlib.nullcontext(),
        "set_device": lambda *_: None,
        "get_device_properties": lambda *_: told,
        "get_device_capability": lambda *_: (told.major, told.minor),
        "get_device_name": lambda *_: told.name,
        "is_bf16_supported": lambda *_, **__: told.major >= _FIRST_WITH_BFLOAT16,
        "synchronize": lambda *_: None,
        "current_stream": lambda *_: SimpleNamespace(cuda_stream=0),
    }
    with contextlib.ExitStack() as stack:
        for name, answer in answers.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, answer))
        stack.enter_context(mock.patch.object(FakeTensor, "data_ptr", _address))
        if hasattr(fake_tensor, "init_gpu_context"):
            stack.enter_context(mock.patch.object(fake_tensor, "init_gpu_context", lambda *_: None))
        yield


@contextlib.contextmanager
def without_memory() -> Iterator[None]:
    """Within it tensors have no memory, wherever they are."""
    with _WithoutDriver(allow_non_fake_inputs=True), _NumberedDevices(), torch.no_grad():
        yield


# It would ask PyTorch whether there is a GPU, which says yes here, and then make a tensor there for the driver's sake.
class _WithoutDriver(FakeTensorMode):
    @property
    def avoid_device_init(self) -> bool:
        return True


def put_there(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of the same shape, strides and type on the GPU; called within `without_memory`."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=DEVICE)


def move_model(model: torch.nn.Module) -> None:
    """Puts parameters and buffers there; `Module.to` would have to swap tensors, which these cannot."""
    moved: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for name, item in module._parameters.items():
            if item is not None:
                if id(item) not in moved:
                    moved[id(item)] = torch.nn.Parameter(put_there(item), requires_grad=False)
                module._parameters[name] = moved[id(item)]
        for name, item in module._buffers.items():
            if item is not None:
                module._buffers[name] = moved.setdefault(id(item), put_there(item))


# Without a driver PyTorch does not know which device is the current one.
class _NumberedDevices(TorchFunctionMode):
    def __torch_function__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        if function is torch.Tensor.cuda:
            return args[0].to(DEVICE)
        # Of all that programs call of a tensor this alone asks the driver for the device first.
        if function is torch.Tensor.contiguous and not args[0].is_contiguous():
            return args[0].clone(memory_format=torch.contiguous_format)
        given = [DEVICE if _is_unnumbered(item) else item for item in args]
        return function(
            *given, **{name: DEVICE if _is_unnumbered(item) else item for name, item in (kwargs or {}).items()}
        )


def _is_unnumbered(item: object) -> bool:
    return item == "cuda" if isinstance(item, str) else isinstance(item, torch.device) and item == torch.device("cuda")


def _address(tensor: torch.Tensor) -> int:
    return _ADDRESS + tensor.storage_offset() * tensor.element_size()


# https://docs.nvidia.com/cuda/cuda-c-programming-guide, arithmetic of compute capability 8.0
_FIRST_WITH_BFLOAT16: Final = 8
