"""One pass over gigabytes says what many passes say."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest
import torch
from curate_worker.judge import one_pass
from curate_worker.judge.builds.toolchain import find_toolchain
from curate_worker.judge.compare import compare
from curate_worker.judge.expected import by_own
from curate_worker.judge.faults import Verdict
from curate_worker.judge.quick_compare import quickly_right
from curate_worker.judge.tolerance import Tolerance
from curate_worker.tensors import keep_on_gpu
from curate_worker.values import pack

TOOLS = find_toolchain((9, 0))
needs_nvcc = pytest.mark.skipif(TOOLS.nvcc is None, reason="there is no nvcc on this machine")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU on this machine")
COUNT = one_pass.LEAST_NUMBERS + 12345
TOLERANCE = Tolerance(1e-6, 1e-5, 1e-5, None)
FIRST = 4321


@needs_nvcc
def test_the_kernel_compiles_for_both_kinds_of_truth(tmp_path: Path) -> None:
    for truth in (torch.float32, torch.float64):
        (tmp_path / "look.cu").write_text(one_pass.source_for(truth))
        command = [str(TOOLS.nvcc), "-arch=sm_90", "-cubin", "-o", str(tmp_path / "out"), str(tmp_path / "look.cu")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_without_a_gpu_and_of_few_numbers_it_says_nothing() -> None:
    assert one_pass.look_at(torch.ones(8), torch.ones(8), TOLERANCE) is None


@needs_gpu
def test_it_sees_what_the_passes_of_pytorch_see() -> None:
    for dtype in (torch.float32, torch.float64):
        truth = torch.randn(COUNT, device="cuda", dtype=dtype)
        values = (truth * (1 + 1e-6 * torch.rand(COUNT, device="cuda", dtype=dtype))).to(torch.float32)
        look, quick = one_pass.look_at(values, truth, TOLERANCE), quickly_right(values, truth, TOLERANCE)
        assert look is not None and quick is not None
        assert look.num_wrong == 0
        assert math.isclose(look.largest, quick.largest, rel_tol=1e-3)
        assert math.isclose(look.relative_rmse, quick.relative_rmse, rel_tol=1e-3)
        assert math.isclose(look.largest_relative, quick.largest_relative, rel_tol=1e-2)


@needs_gpu
def test_it_finds_the_first_wrong_element_and_counts_all_of_them() -> None:
    truth = torch.randn(COUNT, device="cuda")
    for wrong in (2.0, math.nan, math.inf):
        values = truth.clone()
        values[FIRST :: COUNT // 3] = wrong
        look = one_pass.look_at(values, truth, TOLERANCE)
        assert look is not None
        assert (look.num_wrong, look.first_wrong) == (len(values[FIRST :: COUNT // 3]), FIRST)


@needs_gpu
@pytest.mark.parametrize(
    ("wrong", "cause"), [(2.0, "WRONG_VALUE"), (math.nan, "NONFINITE"), (math.inf, "NONFINITE"), (None, None)]
)
def test_outputs_are_refused_and_accepted_as_by_many_passes(wrong: float | None, cause: str | None) -> None:
    keep_on_gpu()
    truth = torch.randn(COUNT, device="cuda")
    values = truth.clone()
    if wrong is not None:
        values[FIRST] = wrong
    expected = by_own(pack(truth), [TOLERANCE], [])
    if cause is None:
        assert compare(pack(values), expected).max_absolute == 0
        return
    with pytest.raises(Verdict) as found:
        compare(pack(values), expected)
    assert found.value.cause == cause
    assert f"differs first at [{FIRST}]" in found.value.log
    assert f"1 of {COUNT} elements" in found.value.log


@needs_gpu
def test_infinities_of_the_reference_are_right() -> None:
    keep_on_gpu()
    truth = torch.randn(COUNT, device="cuda")
    truth[::7] = -math.inf
    assert compare(pack(truth.clone()), by_own(pack(truth), [TOLERANCE], [])).max_absolute == 0
