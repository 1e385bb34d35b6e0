"""Modules over a CUDA extension as kernels with a launch plan: what is read, and what is refused by name."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from curate_worker.conversion.convert import convert_extension
from curate_worker.conversion.refusal import CannotConvert
from curate_worker.conversion.triton_plan import convert_triton
from curate_worker.device.concrete import launches_of, scope_of, shapes_of_rooms
from curate_worker.device.expressions import Facts
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


PTX = """//
// Generated
.version 8.7
.target sm_90a
.address_size 64
.extern .shared .align 16 .b8 global_smem[];
.global .align 1 .b8 _$_str[3] = {95, 95};
.global .align 1 .b8 _$_str_$_2[3] = {95, 95};
.visible .entry scale(
	.param .u64 .ptr .global .align 1 scale_param_0,
	.param .u64 .ptr .global .align 1 scale_param_1,
	.param .u32 scale_param_2,
	.param .u64 .ptr .global .align 1 scale_param_3
)
.reqntid 256
{
	.loc	1 6 0
	ld.param.b64 	%rd3, [scale_param_0];
	ret;
}
	.section	.debug_abbrev
	{
.b8 1
	}
"""


def tensor(memory: int | None, *shape: int) -> dict:
    return {"memory": memory, "shape": list(shape), "dtype": "float32", "is_contiguous": True}


def kernel(**changed: object) -> dict:
    usual = {"num_warps": 4, "num_ctas": 1, "shared": 32, "global_scratch_size": 0, "profile_scratch_size": 0}
    signature = {"x": "*fp32", "out": "*fp32", "n": "i32", "BLOCK": "constexpr"}
    told = {"name": "scale", "special": [], "fuses": True, "signature": signature, "constants": [], "ptx": PTX}
    return usual | told | changed


def launch(of: str, out: int, count: int) -> dict:
    numbers = {"n": {"number": count}, "BLOCK": {"number": 64}}
    return {
        "kernel": of,
        "grid": [-(-count // 64)],
        "arguments": {"x": tensor(0, count), "out": tensor(out, count), **numbers},
    }


def call(count: int, of: str = "a") -> dict:
    """Scales into a workspace, and that into what is returned."""
    made = [{**tensor(number, count), "fill": fill} for number, fill in ((2, None), (3, 0.0))]
    return {
        "inputs": [{**tensor(0, count), "name": "x"}],
        "state": {"layer.gain": tensor(1, 8)},
        "allocated": made,
        "operation": None,
        "launches": [launch(of, 2, count), launch(of, 3, count)],
        "is_one": True,
        "outputs": [tensor(3, count)],
    }


def rehearsed(*calls: dict, tuned: str | None = None, **changed: object) -> dict:
    return {"calls": list(calls), "kernels": {"a": kernel(**changed), "b": kernel(**changed)}, "tuned": tuned}


def test_launches_of_triton_become_a_plan() -> None:
    files = convert_triton(rehearsed(call(100)))
    plan = json.loads(files["plan.json"])
    parse_plan(files["plan.json"])
    assert plan["outputs"] == [{"name": "out", "dtype": "float32", "shape": "x", "fill": 0.0}]
    assert plan["workspaces"] == [{"name": "workspace_0", "dtype": "float32", "shape": [100]}]
    scratch = {"type": "uint64", "value": 0}
    assert plan["launches"][1] == {
        "kernel": "scale",
        "grid": [2],
        "block": [256],
        "shared_bytes": 32,
        "arguments": ["x", "out", {"type": "int32", "value": 100}, scratch],
    }
    assert not any(text in files["kernels.ptx"] for text in ("debug", ".loc", "//", "_$_str"))


def test_workloads_of_other_shapes_have_launches_of_their_own() -> None:
    files = convert_triton(rehearsed(call(100), call(7, "b")))
    plan = parse_plan(files["plan.json"])
    for count, kernels in ((100, ["scale"] * 2), (7, ["scale_2"] * 2)):
        scope = scope_of(plan, {"x": Facts((count,), 4)})
        assert shapes_of_rooms(plan, scope, {"float32": 4})[0] == [count]
        launches = launches_of(plan, scope)
        assert [item.kernel for item in launches] == kernels
        assert launches[0].arguments[2] == count.to_bytes(4, "little")
    text = files["kernels.ptx"]
    assert [text.count(part) for part in (".version", "global_smem[]", ".entry", "scale_2_param_0,")] == [1, 1, 2, 1]


@pytest.mark.parametrize(
    ("cause", "described"),
    [
        ("AUTOTUNED", rehearsed(call(9), tuned="scale")),
        ("HOST_OPERATION", rehearsed(call(9) | {"operation": "addmm"})),
        ("NO_LAUNCH", rehearsed(call(9) | {"launches": []})),
        ("NOT_CONTIGUOUS", rehearsed(call(9) | {"inputs": [{**tensor(None, 9), "name": "x"}]})),
        ("RETURNS_OTHERS", rehearsed(call(9) | {"outputs": [tensor(0, 9)]})),
        ("RETURNS_OTHERS", rehearsed(call(9) | {"outputs": [tensor(3, 4)]})),
        ("RETURNS_OTHERS", rehearsed(call(9) | {"outputs": [tensor(3, 9)] * 2})),
        ("LAUNCH_ATTRIBUTES", rehearsed(call(9), num_ctas=2)),
        ("SCRATCH_MEMORY", rehearsed(call(9), global_scratch_size=128)),
        ("ARGUMENT_TYPE", rehearsed(call(9), signature={"x": "*fp32", "n": "tensordesc<fp32[64]>"})),
        ("CONSTANT", rehearsed(call(9) | {"launches": [launch("a", 7, 9)]})),
        ("KERNEL_GLOBALS", rehearsed(call(9), call(7, "b"), ptx=PTX.replace("ret;", "ret; // _$_str\n_$_str"))),
        ("SAME_SHAPES", rehearsed(call(9), call(9, "b"))),
        ("HOST_CODE", rehearsed(call(9) | {"launches": [launch("a", 3, 9) | {"grid": [None]}]})),
        ("UNREADABLE", rehearsed(call(9), ptx="")),
        ("UNREADABLE", rehearsed({})),
        ("UNREADABLE", []),
    ],
)
def test_launches_that_a_plan_cannot_say_are_refused_by_name(cause: str, described: object) -> None:
    with pytest.raises(CannotConvert) as found:
        convert_triton(described)
    assert found.value.cause == cause, str(found.value)
