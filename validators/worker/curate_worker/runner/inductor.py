"""
Lets TorchInductor write Triton for a model, for a GPU that need not be there: the model is traced on tensors without
memory, and what would ask the driver is told what an H100 would say. Uses names of PyTorch that may change with its
version; where one has, the task is refused with the error's text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final
from unittest import mock

import torch
from torch.utils._pytree import tree_leaves

from .errors import FaultInInput
from .inductor_source import Written

_DEVICE: Final = "cuda:0"


class _H100:
    """What `torch.cuda.get_device_properties` says of one."""

    name, gcnArchName = "NVIDIA H100", ""  # noqa: N815
    major, minor, warp_size = 9, 0, 32
    multi_processor_count, max_threads_per_multi_processor, max_threads_per_block = 132, 2048, 1024
    regs_per_multiprocessor, shared_memory_per_block_optin = 65536, 232448
    total_memory, L2_cache_size = 80 << 30, 50 << 20


def written_triton(model: torch.nn.Module, inputs: list[object]) -> Written:
    """
    TorchInductor's program for a call of `model` with `inputs`, whose tensors may lie anywhere. It takes parameters,
    buffers and the tensors among the inputs, in this order. Raises FaultInInput for what cannot be written so.
    """
    if any(not isinstance(item, torch.Tensor) and _holds_tensors(item) for item in inputs):
        raise FaultInInput("UNSUPPORTED", "inputs that are containers of tensors")
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    places = [place for place, item in enumerate(inputs) if isinstance(item, torch.Tensor)]
    given = [*(item.detach() for item in state.values()), *(inputs[place] for place in places)]

    def called(*flat: torch.Tensor) -> list[torch.Tensor]:
        values = list(inputs)
        for place, item in zip(places, flat[len(state) :], strict=True):
            values[place] = item
        output = torch.func.functional_call(model, dict(zip(state, flat, strict=False)), tuple(values))
        ones.append(isinstance(output, torch.Tensor))
        outputs = [output] if isinstance(output, torch.Tensor) else output
        if not isinstance(outputs, (list, tuple)) or not all(isinstance(item, torch.Tensor) for item in outputs):
            raise FaultInInput("UNSUPPORTED", "results that are not one tensor or several")
        return list(outputs)

    ones: list[bool] = []
    with _as_on_a_gpu(), torch.no_grad():
        return Written(_lowered(called, given), inputs, ones[-1])


def _holds_tensors(value: object) -> bool:
    return any(isinstance(item, torch.Tensor) for item in tree_leaves(value))


def _lowered(called: Callable[..., list[torch.Tensor]], given: list[torch.Tensor]) -> str:
    from torch._inductor import config  # noqa: PLC0415
    from torch._inductor.compile_fx import view_to_reshape  # noqa: PLC0415
    from torch._inductor.debug import DebugContext  # noqa: PLC0415
    from torch._inductor.decomposition import select_decomp_table  # noqa: PLC0415
    from torch._inductor.fx_passes.post_grad import post_grad_passes  # noqa: PLC0415
    from torch._inductor.graph import GraphLowering  # noqa: PLC0415
    from torch._inductor.virtualized import V  # noqa: PLC0415
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode  # noqa: PLC0415
    from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415

    mode = FakeTensorMode()
    shapes = [torch.empty_strided(item.shape, item.stride(), dtype=item.dtype, device="meta") for item in given]
    with config.patch(_SETTINGS), V.set_fake_mode(mode):
        with mode, torch.device(_DEVICE):
            fake = [FakeTensor(mode, item, torch.device(_DEVICE)) for item in shapes]
            traced = make_fx(torch.func.functionalize(called), decomposition_table=select_decomp_table())(*fake)
        view_to_reshape(traced)
        post_grad_passes(traced, is_inference=True)
        graph = GraphLowering(traced, example_inputs=fake, shape_env=mode.shape_env, is_inference=True)
        with V.set_graph_handler(graph), V.set_extern_kernel_nodes([]), V.set_debug_handler(DebugContext()):
            graph.run(*fake)
            written, _ = graph.codegen()
    if graph.constants:
        raise FaultInInput("CONSTANTS", "it makes tensors of its own, which the compiler would take as they are")
    return written.value


_SETTINGS: Final = {
    "compile_threads": 1,
    "force_disable_caches": True,
    "layout_optimization": False,
    "comprehensive_padding": False,
    "graph_partition": False,
    "triton.autotune_at_compile_time": False,
    "triton.mix_order_reduction": False,
    "triton.cooperative_reductions": False,
}


# What the compiler asks of the device while it writes.
@contextlib.contextmanager
def _as_on_a_gpu() -> Iterator[None]:
    import torch.utils._triton as asked  # noqa: PLC0415
    from torch._dynamo import device_interface  # noqa: PLC0415

    answers: dict[str, object] = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "_lazy_init": lambda: None,
        "current_device": lambda: 0,
        "device_count": lambda: 1,
        "get_device_properties": lambda _=None: _H100,
        "get_device_capability": lambda _=None: (9, 0),
        "is_bf16_supported": lambda *_, **__: True,
        "synchronize": lambda _=None: None,
    }
    device_interface.init_device_reg()
    with contextlib.ExitStack() as stack:
        for name, answer in answers.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, answer))
        stack.enter_context(mock.patch.object(asked, "triton_hash_with_backend", lambda: ""))
        stack.enter_context(mock.patch.object(asked, "has_triton", lambda: True))
        known = dict.fromkeys(("cuda", _DEVICE), _interface(device_interface.DeviceInterface))
        stack.enter_context(mock.patch.dict(device_interface.device_interfaces, known))
        yield


def _interface(base: type) -> type:
    class Worker:
        get_device_properties = staticmethod(lambda _=None: _H100)
        current_device = staticmethod(lambda: 0)
        set_device = staticmethod(lambda _: None)

    answers: dict[str, Callable[..., object]] = {
        "is_available": lambda: True,
        "current_device": lambda: 0,
        "device_count": lambda: 1,
        "get_raw_stream": lambda _=0: 0,
        "get_compute_capability": lambda _=None: 90,
        "get_device_properties": lambda _=None: _H100,
        "is_bf16_supported": lambda *_, **__: True,
        "is_dtype_supported": lambda *_, **__: True,
        "is_triton_capable": lambda _=None: True,
        "raise_if_triton_unavailable": lambda _=None: None,
        "synchronize": lambda _=None: None,
    }
    return type(
        "Interface", (base,), {**{name: staticmethod(item) for name, item in answers.items()}, "Worker": Worker}
    )
