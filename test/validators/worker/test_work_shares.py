"""Whose work a call is: by the names that sources declare, and not by what a kernel calls itself."""

from __future__ import annotations

import pytest
from curate_worker.judge.call_answer import Work
from curate_worker.judge.work_shares import (
    autograd_functions,
    other_libraries,
    own_kernels,
    share_elsewhere,
    without_wrappers,
    work_row,
)
from curate_worker.operator_names import computes

SOURCES = {
    "candidate.py": '''
import triton

@triton.autotune(configs=[], key=[])
@triton.jit
def add_kernel(x): ...

def helper(): ...

source = """
template <typename T> __global__ void __launch_bounds__(256, min(2, 4)) scale(T* x);
__global__ __launch_bounds__(64) static void vectorized_elementwise_kernel(float* x);
"""
''',
    "extra.cu": 'extern "C" __global__ void shift(int n) {}',
}


def kernel(name: str, nanoseconds: int) -> Work:
    return Work("kernel", name, 1, nanoseconds)


def test_kernels_that_sources_declare_are_known_by_name() -> None:
    assert own_kernels(SOURCES) == {"add_kernel", "scale", "vectorized_elementwise_kernel", "shift"}
    assert own_kernels({"broken.py": "def ("}) == set()


def test_on_a_gpu_a_kernel_is_its_owner_s_whatever_a_library_calls_its_own() -> None:
    work = [
        kernel("at::cuda::(anonymous namespace)::spin_kernel(long)", 9000),
        kernel("void (anonymous namespace)::scale<float>(float*)", 30),
        kernel("add_kernel", 30),
        kernel("void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor>(int)", 20),
        kernel("sm90_xmma_gemm_f32f32", 10),
        kernel("Memcpy DtoD (Device -> Device)", 10),
    ]
    row = work_row(work, own_kernels(SOURCES), "gpu")
    assert row is not None
    assert (row["own_kernel_share"], row["library_share"]) == (0.6, 0.3)
    assert [part["origin"] for part in row["parts"]] == ["own", "own", "library", "library", "memory"]


def test_on_the_processor_operators_that_only_look_at_memory_do_not_count() -> None:
    kinds = [("own", "curate::own", 50), ("operator", "mine::registered", 25)]
    kinds += [("operator", "aten::mm", 25), ("operator", "aten::view", 900)]
    work = [Work(kind, name, 1, nanoseconds) for kind, name, nanoseconds in kinds]
    row = work_row(work, set(), "cpu")
    assert row is not None
    assert (row["own_kernel_share"], row["library_share"]) == (0.75, 0.25)


def test_the_call_of_a_class_for_gradients_is_no_library_s_work_and_what_it_calls_may_be() -> None:
    source = "class Scale(torch.autograd.Function):\n    pass\nclass Model(torch.nn.Module):\n    pass\n"
    wrappers = autograd_functions({"candidate.py": source})
    assert wrappers == {"Scale"}
    work = [Work("operator", name, 1, 50) for name in ("Scale", "Model", "aten::mm")]
    assert [item.name for item in without_wrappers(work, wrappers)] == ["Model", "aten::mm"]


@pytest.mark.parametrize(
    ("name", "is_work"),
    [
        ("aten::mm", True),
        ("aten::new_zeros", False),
        ("aten::mT", False),
        ("aten::swapaxes", False),
        ("aten::isnan", True),
    ],
)
def test_what_fills_memory_or_looks_at_it_otherwise_computes_nothing(name: str, *, is_work: bool) -> None:
    assert computes(name) is is_work


def test_what_was_not_measured_has_no_share() -> None:
    assert work_row([], set(), "gpu") is None
    assert work_row([Work("operator", "aten::empty", 1, 5)], set(), "cpu") is None
    assert work_row([kernel("k", 5)], {"k"}, "interpreter") is None


def test_time_that_nobody_saw_is_told_from_what_python_takes() -> None:
    work = [Work("own", "curate::own", 1, 100_000), Work("operator", "aten::empty", 1, 100_000)]
    assert [share_elsewhere(work, elapsed) for elapsed in (1_000_000, 390_000)] == [0.8, 0.0]
    sources = {"candidate.py": "import numpy as np\nfrom scipy.linalg import blas\nimport math", "broken.py": "def ("}
    assert other_libraries(sources) == ["numpy", "scipy"]
