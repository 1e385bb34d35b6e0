"""Modules over a CUDA extension as kernels with a launch plan: what is read, and what is refused by name."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from curate_worker.conversion.convert import convert_extension
from curate_worker.conversion.refusal import CannotConvert
from curate_worker.device.launch_plan import parse_plan

FOLDER = Path(__file__).parents[2] / "fixtures" / "kernels" / "correct_row_scaling_cuda"
MODULE = (FOLDER / "candidate.py").read_text()
SOURCE = next(
    ast.literal_eval(item.value)
    for item in ast.parse(MODULE).body
    if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name) and item.targets[0].id == "SOURCE"
)


def converted(module: str = MODULE, source: str = SOURCE) -> dict[str, str]:
    spec = {"units": [["main.cpp", ""], ["cuda.cu", source]], "extra_cuda_cflags": ["-O3", "-arch=sm_80"]}
    return convert_extension(module, "ModelNew", [spec])


def test_a_launcher_becomes_a_plan() -> None:
    files = converted()
    plan = json.loads(files["plan.json"])
    parse_plan(files["plan.json"])
    first, second = plan.pop("launches")
    assert plan == {
        "source": "kernels.cu",
        "flags": ["-O3"],
        "inputs": ["x"],
        "parameters": {"gain": "gain"},
        "symbols": {"rows": "shape(x, 0)", "columns": "shape(x, 1)", "count": "numel(x)"},
        "outputs": [{"name": "out", "dtype": "float32", "shape": "x"}],
        "workspaces": [{"name": "sums", "dtype": "float32", "shape": ["rows"], "fill": 0.0}],
    }
    assert first == {
        "kernel": "sum_of_squares",
        "grid": ["((columns + 128) - 1) // 128", "rows"],
        "block": [128],
        "arguments": ["x", "sums", {"type": "int32", "value": "rows"}, {"type": "int32", "value": "columns"}],
        "shared_bytes": "128 * 4",
    }
    assert (second["grid"], second["arguments"][-1]) == (["(count + 255) // 256"], {"type": "float32", "value": "0.5"})


def test_the_kernels_are_left_and_the_host_code_is_not() -> None:
    kernels = converted()["kernels.cu"]
    assert "__global__ void scale(" in kernels
    assert not any(word in kernels for word in ("torch", "<<<", "scale_rows", "TORCH_CHECK", "#line"))


LAUNCH = "dim3 blocks("


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (LAUNCH, "if (rows > 3) return x; dim3 blocks(", "HOST_CONDITION"),
        (LAUNCH, "for (int i = 0; i < 2; i++) ; dim3 blocks(", "HOST_CONDITION"),
        (LAUNCH, "auto other = torch::matmul(x, gain); dim3 blocks(", "HOST_CALL"),
        (LAUNCH, "cudaMemset(sums.data_ptr(), 0, 4); dim3 blocks(", "HOST_CODE"),
        (LAUNCH, "C10_CUDA_CHECK(cudaMemcpy(a, b, 3, k)); dim3 blocks(", "HOST_CALL"),
        (LAUNCH, "static int calls = 0; calls++; dim3 blocks(", "HOST_CODE"),
        (LAUNCH, "const float first = x[0].item<float>(); dim3 blocks(", "HOST_CODE"),
        (LAUNCH, "int other = 1.5f * rows; dim3 blocks(", "HOST_CODE"),
        ("return out;", "return x;", "RETURNS_OTHERS"),
        ("return out;", "", "NO_LAUNCH"),
        ("return out;", "return out.relu();", "HOST_CALL"),
        ("const float* gain", "const Many gain", "UNKNOWN_TYPE"),
        ("__global__ void scale(", "template <int N> __global__ void scale(", "TEMPLATE_KERNEL"),
        ("torch::Tensor scale_rows(", "template <int N> torch::Tensor scale_rows(", "TEMPLATE_LAUNCHER"),
        ("torch::Tensor scale_rows(", "torch::Tensor other_rows(", "NO_LAUNCHER"),
        ("namespace {", "namespace { /*", "UNREADABLE"),
        ("#define ROWS_PER_BLOCK 4", '#include "other.cuh"', "UNREADABLE"),
    ],
)
def test_what_a_plan_cannot_say_is_refused_by_name(old: str, new: str, cause: str) -> None:
    assert old in SOURCE
    with pytest.raises(CannotConvert) as found:
        converted(source=SOURCE.replace(old, new, 1))
    assert found.value.cause == cause, str(found.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("extension.scale_rows(x, self.gain, 0.5)", "extension.scale_rows(torch.relu(x), self.gain, 0.5)"),
        ("extension.scale_rows(x, self.gain, 0.5)", "torch.nn.functional.normalize(x)"),
        ("extension.scale_rows(x, self.gain, 0.5)", "extension.scale_rows(x, self.gain)"),
        ("extension.scale_rows(x, self.gain, 0.5)", "extension.scale_rows(x, self.gain, self.offset)"),
        ("return extension", "x = x + 1\n        return extension"),
        ("return extension", "if x.is_cuda:\n            return extension"),
        ("def forward(self, x)", "def forward(self, *x)"),
        ("def forward(self, x)", "def backward(self, x)"),
        ("class ModelNew", "class Other"),
    ],
)
def test_a_module_that_does_more_than_call_its_extension_is_refused(old: str, new: str) -> None:
    assert old in MODULE
    with pytest.raises(CannotConvert):
        converted(module=MODULE.replace(old, new))


def test_two_extensions_or_none_are_refused() -> None:
    for specs in ([], [{"units": [["main.cpp", ""]], "extra_cuda_cflags": []}]):
        with pytest.raises(CannotConvert, match="extension"):
            convert_extension(MODULE, "ModelNew", specs)
