"""What programs ask to have built, and with what flags."""

from __future__ import annotations

import pytest
from curate_worker.extension_spec import check_spec, spec_id
from curate_worker.judge.builds.flags import FlagRefused, device_flags, host_flags, link_flags

SPEC = {
    "name": "ok",
    "units": [["main.cpp", "int f();"], ["cuda.cu", ""]],
    "with_cuda": True,
    "is_python_module": False,
    "extra_cflags": ["-O3"],
    "extra_cuda_cflags": [],
    "extra_ldflags": [],
}


def test_a_specification_is_known_by_all_of_its_content() -> None:
    assert check_spec(SPEC) is SPEC
    others = [spec_id(SPEC | {"name": "b"}), spec_id(SPEC | {"extra_cflags": []})]
    assert spec_id(SPEC) not in others
    assert others[0] != others[1]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../evil"},
        {"name": "a b"},
        {"name": "$(id)"},
        {"units": []},
        {"units": [["/etc/passwd.cpp", ""]]},
        {"units": [["../main.cpp", ""]]},
        {"units": [["main.sh", ""]]},
        {"units": [["main.cpp", ""], ["main.cpp", ""]]},
        {"units": [["main.cpp", "x" * 5_000_000]]},
        {"units": [["main.cpp", "\ud800"]]},
        {"units": [["main.cpp", "\x00"]]},
        {"extra_cflags": "-O3"},
        {"with_cuda": None},
        {"command": "rm"},
    ],
)
def test_a_specification_that_could_reach_outside_is_refused(change: dict) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_spec(SPEC | change)


@pytest.mark.parametrize(
    "flag",
    ["-O3", "-O", "-Ofast", "-march=native", "-mavx2", "-mfma", "-fopenmp", "-ffast-math", "-std=c++17", "-DN=3",
     "-Wall", "-Wno-unused-variable", "-funroll-loops", "-fno-math-errno", "-ftree-vectorize", "-g", "-pthread"],
)  # fmt: skip
def test_flags_that_change_code_are_passed_on(flag: str) -> None:
    assert host_flags([flag]) == [flag]


@pytest.mark.parametrize(
    "flag",
    ["-fplugin=/tmp/x.so", "-specs=x", "-B/tmp", "@file", "-I/root", "-include/etc/passwd", "-o/tmp/x",
     "-wrapper", "x.cpp", "-Wl,-rpath=/tmp", "-Wa,x", "-fdump-tree-all", "-fprofile-use=/root", "-Xlinker",
     "-D$(id)", "-DX=`id`", "-MF"],
)  # fmt: skip
def test_flags_that_read_write_or_run_are_refused(flag: str) -> None:
    with pytest.raises(FlagRefused):
        host_flags([flag])
    with pytest.raises(FlagRefused):
        device_flags([flag])


def test_the_device_is_ours_to_choose() -> None:
    asked = [
        "-O3",
        "-arch=sm_70",
        "-gencode=arch=compute_80,code=sm_80",
        "--gpu-architecture=sm_75",
        "-gencode",
        "arch=x,code=y",
    ]
    assert device_flags([*asked, "--use_fast_math", "-t", "4", "-Xptxas", "-v"]) == ["-O3", "--use_fast_math"]
    assert device_flags(["-Xcompiler -O2,-fopenmp", "--ptxas-options=-v", "-Xptxas -O3"]) == [
        *("-Xcompiler", "-O2", "-Xcompiler", "-fopenmp"),
        *("-Xptxas", "-O3"),
    ]


def test_only_known_libraries_are_linked() -> None:
    assert link_flags(["-lm", "-fopenmp", "-L/anywhere", "-lcublas"]) == ["-lm", "-lcublas", "-fopenmp"]
    with pytest.raises(FlagRefused):
        link_flags(["-l:evil.so"])
    with pytest.raises(FlagRefused):
        link_flags(["/tmp/evil.o"])
