"""A CUDA source in two parts: the same lines, the same kernels, the same machine-independent code."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest
from curate_worker.judge.builds.binding_source import fits_before
from curate_worker.judge.builds.commands import include_flags
from curate_worker.judge.builds.source_edits import NotSplittable
from curate_worker.judge.builds.split_source import BROUGHT_BY_PYTORCH, split_source
from curate_worker.judge.builds.toolchain import find_toolchain
from curate_worker.runner.compile import run_compilers

TOOLS = find_toolchain(None)
needs_nvcc = pytest.mark.skipif(TOOLS.nvcc is None or TOOLS.cxx is None, reason="there is no nvcc on this machine")

SOURCE = """#include <cuda_runtime.h>
#include <vector>
#define WIDTH 128
namespace {
constexpr int kFactor = 3;
template <typename T, int N = 4>
__device__ __forceinline__ T times(T x) { return x * kFactor * N; }
template <typename T, int N = 4>
__global__ void __launch_bounds__(WIDTH) scale(const T* __restrict__ in, T* out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
#if __CUDA_ARCH__ >= 800
  if (i < count) out[i] = times<T, N>(in[i]);
#endif
}
}
static __global__ void add(float* out, float by = 1.0f) { out[threadIdx.x] += by; }
int blocks_for(int count) { return (count + WIDTH - 1) / WIDTH; }
extern "C" void launch(const float* in, float* out, int count, cudaStream_t stream) {
  scale<float><<<blocks_for(count),
                 dim3(WIDTH), 0, stream>>>(in, out, count);
  auto again = [&] { scale<float, 8><<<1, WIDTH>>>(in, out, count); };
  again();
  add<<<1, 32>>>(out);
}
"""


def test_a_launch_becomes_the_two_calls_that_nvcc_makes_of_it() -> None:
    host = split_source(SOURCE, "cuda.cu").host
    assert "(__cudaPushCallConfiguration(1, 32) ? (void)0 : add(out));" in host
    assert "void add(float* out, float by = 1.0f) ;" in host
    assert "<<<" not in host
    assert "times<T, N>" not in host


def test_both_parts_keep_the_lines_of_the_original() -> None:
    split = split_source(SOURCE, "cuda.cu")
    for part in (split.host, split.device):
        text = part.partition('#line 1 "cuda.cu"\n')[2].split("\n")
        assert len(text) == SOURCE.count("\n") + 2
        assert text[2] == "#define WIDTH 128"
    assert split.kernel_templates == ["scale"]
    assert "launch" not in split.device.replace("__launch_bounds__", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("int f() { return 1; }", "no kernel"),
        ("__global__ void k() {", "brackets"),
        ("__global__ void k() {} \n#ifdef X\n#endif\n", "conditions"),
        ("__global__ void k() {\n#ifdef FROM_A_HEADER\n#endif\n}", "macros that it does not define"),
        ('#include "own.h"\n__global__ void k() {}', "header of its own"),
        ("#define LAUNCH k<<<1, 1>>>()\n__global__ void k() {}", "macro with kernels"),
        ("__global__ void k() {}\nint f() { return __CUDACC_VER_MAJOR__; }", "which compiler"),
        ("__global__ void k() {}\nvoid f() { g([] __device__ (int i) {}); }", "device code inside host code"),
        ("__global__ void k() {}\nvoid f() { (*p)<<<1, 1>>>(); }", "without a name"),
        ('__global__ void k() {}\nconst char* f() { return "never closed; }', "told apart"),
        ("__global__ void __launch_bounds__ k() {}", "cannot be read"),
        ("template <int N> __global__ void k() {}\ntemplate <> __global__ void k<1>() {}", "specialization"),
    ],
)
def test_what_is_not_understood_stays_in_one_piece(text: str, reason: str) -> None:
    with pytest.raises(NotSplittable, match=reason):
        split_source(text, "cuda.cu")


PIECES = [
    *(
        "__global__ ",
        "__launch_bounds__",
        "void ",
        "k",
        "template ",
        "<",
        ">",
        "<<<",
        ">>>",
        "(",
        ")",
        "{",
        "}",
        ";",
        ",",
    ),
    *(
        "namespace ",
        "extern ",
        '"C" ',
        "=",
        "::",
        "static ",
        "struct ",
        "using ",
        "\n#define X 1\n",
        "\n#if X\n",
        "/*",
        "//",
    ),
    *("R", '"', "'", "const ", "__device__ ", "operator", "[", "]", "...", "\\", "x", "1"),
]


def test_no_text_does_worse_than_not_being_split() -> None:
    dice = random.Random(0)
    for _ in range(3000):
        text = "".join(dice.choices(PIECES, k=dice.randrange(1, 40)))
        try:
            split_source(text, "cuda.cu")
        except NotSplittable:
            continue
        fits_before(text, text)


@pytest.mark.parametrize(
    "piece", ["/*", 'R"(', "<", "{", "namespace a {", "k<<<", "template <", "#define X\n", "> <<<1>>>()"]
)
def test_a_long_text_that_makes_no_sense_is_put_aside_at_once(piece: str) -> None:
    with pytest.raises(NotSplittable):
        split_source("__global__ void k() {}\nvoid f() { " + piece * (190_000 // len(piece)), "cuda.cu")


def test_strings_and_comments_hold_no_launches() -> None:
    text = '__global__ void k() {}\nconst char* f() { return R"x(k<<<1>>>() } )x"; /* k<<<1>>>() { */ }\n'
    host = split_source(text, "cuda.cu").host
    assert 'R"x(k<<<1>>>() } )x"; /* k<<<1>>>() { */' in host


def test_the_device_part_brings_what_the_source_could_rely_on_and_nothing_else() -> None:
    kernel = "__global__ void k(float* x) { x[0] = std::numeric_limits<float>::max(); }\n"
    assert "#include <limits>" not in split_source(kernel, "cuda.cu").device
    assert "#include <limits>" not in split_source("#include <c10/macros/Macros.h>\n" + kernel, "cuda.cu").device
    assert "#include <limits>" in split_source("#include <torch/types.h>\n" + kernel, "cuda.cu").device


@pytest.mark.skipif(TOOLS.cxx is None, reason="there is no g++ on this machine")
def test_pytorch_brings_all_that_the_device_part_gets_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "all.cpp").write_text("#include <ATen/ATen.h>\n")
    command = [str(TOOLS.cxx), "-M", "all.cpp", f"-std={TOOLS.standard}", *include_flags(TOOLS, with_cuda=False)]
    read = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    names = {Path(path).name for path in read}
    assert [header for header in BROUGHT_BY_PYTORCH if header not in names] == []


@needs_nvcc
def test_the_parts_link_and_the_device_code_is_that_of_the_whole(tmp_path: Path) -> None:
    split = split_source(SOURCE, "cuda.cu")
    stub = ["-static-global-template-stub=false"]
    nvcc = [str(TOOLS.nvcc), "-arch=sm_90a", "-std=c++17", "-Xcompiler", "-fPIC"]
    gxx = [str(TOOLS.cxx), "-fPIC", "-std=c++17", "-isystem", str(TOOLS.cuda_home / "include")]
    result = run_compilers(
        tmp_path,
        {"host.cpp": split.host, "device.cu": split.device, "whole.cu": SOURCE},
        [
            [
                {"command": [*gxx, "-c", "host.cpp", "-o", "host.o"]},
                {"object": "host.o", "into": "device.cu", "templates": split.kernel_templates},
                {"command": [*nvcc, *stub, "-c", "device.cu", "-o", "device.o"]},
                {"command": [*nvcc, "-ptx", "device.cu", "-o", "device.ptx"]},
            ],
            [{"command": [*nvcc, "-ptx", "whole.cu", "-o", "whole.ptx"]}],
            [
                {
                    "command": [
                        str(TOOLS.cxx),
                        "-shared",
                        "-Wl,--no-undefined",
                        "host.o",
                        "device.o",
                        "-o",
                        "all.so",
                        *_cudart(),
                    ]
                }
            ],
        ],
        "all.so",
    )
    assert (result["failed"], result["output"]) == (None, result["output"])
    ours, whole = (_kernels_of((tmp_path / name).read_text()) for name in ("device.ptx", "whole.ptx"))
    assert len(ours) == len(["scale<float, 4>", "scale<float, 8>", "add"])
    assert ours == whole


def _cudart() -> list[str]:
    folders = [TOOLS.cuda_home / "lib64", TOOLS.cuda_home / "lib"]
    return [f"-L{folder}" for folder in folders if folder.is_dir()] + ["-lcudart"]


# Bodies by kernel. The names differ: those of an unnamed namespace hold a hash of the file.
def _kernels_of(ptx: str) -> list[str]:
    bodies = re.findall(r"\.entry [^(]+\(([^)]*)\)([^{]*)\{(.*?)\n\}", ptx, re.DOTALL)
    return sorted(re.sub(r"_Z\w+|_INTERNAL\w+", "NAME", "\n".join(body)) for body in bodies)


def test_a_step_that_fails_is_told_with_what_it_printed(tmp_path: Path) -> None:
    good = [{"command": ["echo", "fine"]}]
    bad = [{"command": ["sh", "-c", "echo broken; exit 3"]}, {"command": ["touch", "never"]}]
    result = run_compilers(tmp_path, {}, [good, bad], None)
    assert (result["failed"], result["output"], result["artifact"]) == (1, "broken\n", None)
    assert not (tmp_path / "never").exists()
