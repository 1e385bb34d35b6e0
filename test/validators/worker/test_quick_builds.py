"""Precompiled headers, quick builds and what they fall back to, with the real compilers."""

from __future__ import annotations

import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from curate_worker.judge.builds.build_row import build_row
from curate_worker.judge.builds.builder import run_in_sandbox
from curate_worker.judge.builds.headers import HeaderStore, RunCompilers, optimization_of
from curate_worker.judge.builds.quick_plan import plan_quickly
from curate_worker.judge.builds.resource_usage import resource_usage
from curate_worker.judge.builds.toolchain import find_toolchain
from curate_worker.judge.station import Station
from curate_worker.runner.compile import run_compilers

TOOLS = find_toolchain(None)
needs_gxx = pytest.mark.skipif(TOOLS.cxx is None, reason="there is no g++ on this machine")
needs_nvcc = pytest.mark.skipif(TOOLS.nvcc is None or TOOLS.cxx is None, reason="there is no nvcc on this machine")
FLAGS = ["-fPIC", f"-std={TOOLS.standard}"]
LIMITS = "#include <limits.h>\n"
KERNEL = "__global__ void k(float* x) { x[0] += 1; }\nvoid f(float* x) { k<<<1, 1>>>(x); }\n"


def a_store(folder: Path) -> HeaderStore:
    (folder / "shown").mkdir()
    return HeaderStore(folder / "kept", folder / "shown", TOOLS, run_in(folder))


def run_in(folder: Path) -> RunCompilers:
    def run(files: dict[str, str], command: list[str], artifact: str) -> tuple[bool, str, memoryview | None]:
        result = run_compilers(folder / "build", files, [[{"command": command}]], artifact)
        made = result["artifact"]
        return made is None, result["output"], None if made is None else memoryview(made.read_bytes())

    return run


def a_spec(cuda: str, binding: str = "", **changes: object) -> dict:
    units = [["main.cpp", binding], ["cuda.cu", cuda]]
    flags = {"extra_cflags": [], "extra_cuda_cflags": [], "extra_ldflags": []}
    return {"name": "ext", "units": units, "with_cuda": True, "is_python_module": True, **flags, **changes}


# As often as it takes to be worth it; then it is made.
def wanted(store: HeaderStore, header: str, flags: list[str] = FLAGS) -> str | None:
    for _ in range(4):
        store.wait()
        assert store.provide(f"#include <{header}>\n", flags, []) is None
    store.wait()
    return store.provide(f"#include <{header}>\n", flags, [])


@needs_gxx
def test_a_precompiled_header_is_what_the_compiler_reads(tmp_path: Path) -> None:
    place = wanted(a_store(tmp_path), "limits.h")
    assert place is not None
    header = place.replace("@headers@", str(tmp_path / "shown"))
    (tmp_path / "a.cpp").write_text("int a = INT_MAX;\n")
    command = [str(TOOLS.cxx), "-c", "a.cpp", "-o", "a.o", "-include", header, "-H", *FLAGS, "-DTORCH_EXTENSION_NAME=x"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.startswith(f"! {header}.gch")
    assert stat.filemode(Path(f"{header}.gch").stat().st_mode) == "-rw-r--r--"


@needs_gxx
def test_a_header_is_made_once_by_all_that_share_the_folder_and_each_sees_it(tmp_path: Path) -> None:
    assert wanted(a_store(tmp_path), "limits.h") is not None
    (tmp_path / "other").mkdir()
    other = HeaderStore(tmp_path / "kept", tmp_path / "other", TOOLS, run_in(tmp_path))
    assert other.provide(LIMITS, FLAGS, []) is not None
    assert [path.name for path in (tmp_path / "other").glob("*/*.gch")] == ["header.h.gch"]
    assert other.provide(LIMITS, [*FLAGS, "-O3"], []) is None


@needs_gxx
def test_a_header_that_cannot_be_compiled_is_tried_once(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert wanted(store, "no/such/header.h") is None
    (kept,) = [path for path in (tmp_path / "kept").iterdir() if path.is_dir()]
    before = (kept / "log").stat().st_mtime_ns
    assert wanted(store, "no/such/header.h") is None
    assert (kept / "log").stat().st_mtime_ns == before


@needs_gxx
def test_a_header_that_a_full_disk_prevented_is_not_held_against_it(tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    full = lambda *_: (True, "header.h.gch: No space left on device", None)  # noqa: E731
    assert wanted(HeaderStore(tmp_path / "kept", tmp_path / "shown", TOOLS, full), "limits.h") is None
    assert [path.name for path in (tmp_path / "kept").iterdir() if path.is_dir()] == []
    again = HeaderStore(tmp_path / "kept", tmp_path / "shown", TOOLS, run_in(tmp_path))
    assert again.provide(LIMITS, FLAGS, []) is None
    again.wait()
    assert again.provide(LIMITS, FLAGS, []) is not None


@needs_gxx
def test_a_header_is_made_in_the_sandbox_and_read_there(opened: tuple, tmp_path: Path) -> None:
    station: Station = opened[0]
    store = HeaderStore(tmp_path, station.server.headers, TOOLS, run_in_sandbox(station.server))
    place = wanted(store, "limits.h")
    assert place is not None
    header = place.replace("@headers@", str(station.server.headers))
    command = [str(TOOLS.cxx), "-c", "a.cpp", "-o", "a.o", "-include", header, "-H", *FLAGS]
    failed, output, _ = run_in_sandbox(station.server)({"a.cpp": "int a = INT_MAX;"}, command, "a.o")
    assert not failed
    assert output.startswith(f"! {header}.gch")


def test_flags_that_a_precompiled_header_may_not_fit_go_without(tmp_path: Path) -> None:
    assert optimization_of(["-O3", "-DX=1", "-w", "-fPIC"]) == "-O3"
    assert optimization_of(["-O3", "-O0"]) == ""
    store = a_store(tmp_path)
    for flag in ("-g", "-fopenmp", "-march=native", "-ffast-math", "-U__x"):
        assert wanted(store, "limits.h", [*FLAGS, flag]) is None


BINDING = """#include <torch/extension.h>
{declared}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {{
m.def("f", torch::wrap_pybind_function(f), "f");
}}"""
FULL = "#include <torch/types.h>\n#include <cuda.h>\n#include <cuda_runtime.h>\n#include <torch/extension.h>\n" + KERNEL


class NoHeaders(HeaderStore):
    """Remembers what is asked for and has nothing: making PyTorch's takes a minute."""

    def __init__(self) -> None:
        super().__init__(Path(), Path(), TOOLS, run_in(Path()))
        self.asked: list[tuple[str, list[str]]] = []

    def provide(self, text: str, flags: list[str], includes: list[str]) -> str | None:
        del includes
        self.asked.append((text, flags))
        return None


@pytest.mark.parametrize(
    ("declared", "changes", "is_merged"),
    [
        ("void f(float* x);", {}, True),
        ("#include <vector>\nvoid f(float* x); int g(int);", {"extra_cuda_cflags": ["-O3"]}, True),
        ('void f(float* x); PYBIND11_MODULE(more, m) { m.def("g", [] { return 1; }); }', {}, False),
        ("void f(float* x) { }", {}, False),
        ("void f(float* x); void k(float* x);", {}, False),
        ("int n = g(1);\nvoid f(float* x);", {}, False),
        ("#define N 3\nvoid f(float* x);", {}, False),
        ("using namespace at; void f(float* x);", {}, False),
        ("static int state;\nvoid f(float* x);", {}, False),
        ("void f(float* x);", {"extra_cflags": ["-DN=3"]}, False),
    ],
)
def test_a_binding_that_only_declares_is_compiled_with_the_host_part(
    declared: str, changes: dict, is_merged: bool
) -> None:
    spec = a_spec(FULL, BINDING.format(declared=declared), **changes)
    plan, reason = plan_quickly(spec, replace(TOOLS, nvcc="nvcc", nvcc_version="13.0.1"), NoHeaders(), link=False)
    assert plan is not None
    assert (plan.method, reason) == ("split", None)
    compiled = [step["command"][2] for chain in plan.chains for step in chain]
    assert sorted(compiled) == sorted(["cuda.host.cpp", "cuda.device.cu"] + ([] if is_merged else ["main.cpp"]))


def test_a_binding_that_somebody_wrote_is_compiled_in_front_of_the_host_part() -> None:
    binding = (
        '#include <torch/extension.h>\nvoid f(float* x);\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("f", &f); }'
    )
    plan, _ = plan_quickly(a_spec(FULL, binding), TOOLS, NoHeaders(), link=False)
    assert plan is not None
    text = plan.files["cuda.host.cpp"]
    assert text.startswith(f'#line 1 "main.cpp"\n{binding}\n')
    assert text.index("PYBIND11_MODULE") < text.index('#line 1 "cuda.cu"')


def test_a_function_that_is_used_before_its_definition_keeps_the_error_it_has() -> None:
    early = FULL.replace("__global__", "void g(float* x) { f(x); }\n__global__")
    plan, _ = plan_quickly(a_spec(early, BINDING.format(declared="void f(float* x);")), TOOLS, NoHeaders(), link=False)
    assert plan is not None
    assert "main.cpp" not in plan.files["cuda.host.cpp"]


def test_the_host_part_gets_the_flags_that_nvcc_would_hand_on() -> None:
    headers = NoHeaders()
    flags = ["-O3", "--use_fast_math", "-DN=2", "-Xcompiler", "-fopenmp", "-lineinfo"]
    plan_quickly(a_spec(FULL, "int a;", extra_cuda_cflags=flags), TOOLS, headers, link=False)
    header, given = headers.asked[0]
    assert header == "#include <torch/extension.h>\n"
    assert [flag for flag in given if not flag.startswith(("-D__", "-std"))] == ["-fPIC", "-O3", "-DN=2", "-fopenmp"]


def test_no_header_stands_in_for_one_that_the_source_does_not_include() -> None:
    headers = NoHeaders()
    plan_quickly(a_spec("#include <cuda_runtime.h>\n" + KERNEL), TOOLS, headers, link=False)
    plan_quickly(a_spec("#define N 1\n" + FULL), TOOLS, headers, link=False)
    assert headers.asked == []


def test_narrow_headers_stand_in_for_full_ones_where_both_say_the_same() -> None:
    spec = a_spec(FULL.replace("void f", "torch::Tensor g(torch::Tensor x) { return x.relu(); }\nvoid f"), "int a;")
    plan, _ = plan_quickly(spec, TOOLS, NoHeaders(), link=False, is_narrow=True)
    assert plan is not None
    assert "#include <ATen/ops/relu.h>\n" in plan.files["narrow/torch/extension.h"]
    (host,) = [step["command"] for chain in plan.chains for step in chain if "cuda.host.cpp" in step.get("command", ())]
    assert host.index("-Inarrow") < host.index("-isystem")


PLAIN = "#include <torch/extension.h>\ntorch::Tensor g(torch::Tensor x) { return x.relu(); }\n"


def a_plain_spec(*sources: str, **changes: object) -> dict:
    units = [[f"{index}.cpp", source] for index, source in enumerate(sources)]
    return {**a_spec(""), "units": units, "with_cuda": False, **changes}


@pytest.mark.parametrize("with_cuda", [False, True])
def test_narrow_headers_stand_in_for_full_ones_of_plain_sources(with_cuda: bool) -> None:
    spec = a_plain_spec(PLAIN, "#include <vector>\n" + PLAIN, with_cuda=with_cuda)
    plan, reason = plan_quickly(spec, TOOLS, NoHeaders(), link=True, is_narrow=True)
    assert plan is not None
    assert (plan.method, reason) == ("narrow", None)
    assert "#include <ATen/ops/relu.h>\n" in plan.files["narrow/torch/extension.h"]
    first, second, _ = [step["command"] for chain in plan.chains for step in chain]
    assert ("-Inarrow" in first, "-Inarrow" in second) == (True, False)


def test_a_narrow_header_has_what_runs_in_parallel_where_the_full_one_has_it() -> None:
    loop = PLAIN + "void f(int64_t n) { at::parallel_for(0, n, 1, [](int64_t, int64_t) {}); }\n"
    plan, _ = plan_quickly(a_plain_spec(loop), TOOLS, NoHeaders(), link=False, is_narrow=True)
    assert plan is not None
    has_it = [path for path, text in plan.files.items() if "<ATen/Parallel.h>" in text]
    assert sorted(has_it) == [f"narrow/torch/{name}.h" for name in ("all", "extension", "torch")]
    other, _ = plan_quickly(a_plain_spec(PLAIN), TOOLS, NoHeaders(), link=False, is_narrow=True)
    assert other is not None
    assert not any("<ATen/Parallel.h>" in text for text in other.files.values())


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        (PLAIN + "auto t = torch::tensor({1, 2});", {}),
        (PLAIN + "auto t = torch::nn::functional::relu(torch::ones({1}));", {}),
        (PLAIN + "auto t = X::arange(3);", {"extra_cflags": ["-DX=torch"]}),
        ("#include <vector>\n" + PLAIN, {}),
        ("#include <torch/csrc/stable/library.h>\n", {}),
    ],
)
def test_a_plain_source_that_could_mean_something_else_is_built_otherwise(source: str, changes: dict) -> None:
    assert plan_quickly(a_plain_spec(source, **changes), TOOLS, NoHeaders(), link=False, is_narrow=True)[0] is None


@pytest.mark.parametrize(
    "cuda",
    [
        FULL + "auto t = torch::tensor({1, 2});",
        FULL + "auto t = torch::empty({1}, torch::TensorOptions().requires_grad(true));",
        FULL + "using namespace torch;",
        FULL + "namespace torch { int a; }",
        "#define MAKE torch::arange\n" + FULL,
        FULL.replace("#include <cuda.h>", "#ifdef AT_CHECK\n#endif"),
        FULL + "TORCH_LIBRARY(a, m) {}",
        "#include <vector>\n#define N 1\n" + FULL,
        FULL + "/*",
    ],
)
def test_no_narrow_header_stands_in_where_a_source_could_mean_something_else(cuda: str) -> None:
    assert plan_quickly(a_spec(cuda, "int a;"), TOOLS, NoHeaders(), link=False, is_narrow=True)[0] is None


@needs_nvcc
def test_a_split_build_says_what_its_kernels_take(opened: tuple) -> None:
    station: Station = opened[0]
    built = station.builder.build(a_spec(KERNEL, 'extern "C" int one() { return 1; }'), 120)
    assert (built.cause, built.method, built.fallback) == (None, "split", None)
    row = build_row([built])
    assert row is not None
    (kernel,) = row["kernels"]
    assert kernel["name"] == "k(float*)"
    assert kernel["registers"] > 0
    assert (row["method"], kernel["shared_bytes"]) == ("split", 0)


@needs_nvcc
def test_what_cannot_be_built_quickly_is_built_as_pytorch_builds_it(opened: tuple) -> None:
    station: Station = opened[0]
    # Device code that needs a macro of PyTorch's headers, which the device part does not read.
    needing = "#include <c10/macros/Macros.h>\n" + KERNEL.replace("+= 1", "+= C10_WARP_SIZE")
    built = station.builder.build(a_spec(needing, "int a;"), 120)
    assert (built.cause, built.method) == (None, "default")
    assert built.fallback is not None
    assert built.fallback.startswith("split: ")
    assert "C10_WARP_SIZE" in built.fallback
    assert [kernel["name"] for kernel in built.kernels] == ["k(float*)"]


@needs_nvcc
def test_an_error_in_the_source_is_the_one_that_the_default_build_finds(opened: tuple) -> None:
    station: Station = opened[0]
    built = station.builder.build(a_spec(KERNEL.replace("+= 1", "+= nothing"), "int a;"), 120)
    assert (built.cause, built.method, built.library) == ("COMPILE_ERROR", "default", None)
    assert "nothing" in built.log
    assert "cuda.cu" in built.log


def test_what_ptxas_prints_is_read_kernel_by_kernel() -> None:
    output = """
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z1aPf' for 'sm_90a'
ptxas info    : Function properties for _Z1aPf
    16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers, 16 bytes cumulative stack size, 4096 bytes smem
ptxas info    : Compiling entry function '_Z1bPf' for 'sm_90a'
ptxas info    : Function properties for _Z1bPf
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
ptxas info    : Compiling entry function '_Z1cPf' for 'sm_90a'
"""
    first, second = resource_usage(output)
    assert first == {
        "name": "a(float*)",
        "registers": 255,
        "shared_bytes": 4096,
        "stack_bytes": 16,
        "spill_store_bytes": 8,
        "spill_load_bytes": 12,
    }
    assert (second["name"], second["registers"], second["shared_bytes"]) == ("b(float*)", 8, 0)
