"""One pass over gigabytes gives the digest that two give."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch
from curate_worker import digests
from curate_worker.judge import quick_digests
from curate_worker.judge.builds.toolchain import find_toolchain
from curate_worker.tensors import keep_on_gpu
from curate_worker.values import pack

TOOLS = find_toolchain((9, 0))
needs_nvcc = pytest.mark.skipif(TOOLS.nvcc is None, reason="there is no nvcc on this machine")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU on this machine")


@needs_nvcc
def test_the_kernel_compiles(tmp_path: Path) -> None:
    (tmp_path / "sum.cu").write_text(quick_digests.SOURCE)
    command = [str(TOOLS.nvcc), "-arch=sm_90", "-cubin", "-o", str(tmp_path / "out"), str(tmp_path / "sum.cu")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("count", [1, 16_383, 16_384, 100_000])
def test_both_passes_multiply_each_word_by_an_odd_number_of_its_place(count: int) -> None:
    words = torch.randint(-(2**62), 2**62, (count,), generator=torch.Generator().manual_seed(count))
    one_by_one = sum(int(word) * (2 * place * digests.ODD + 1) for place, word in enumerate(words)) % 2**64
    assert int(digests.sum_of_words(words)) % 2**64 == one_by_one


@needs_gpu
@pytest.mark.parametrize("more", [0, 5, 8, 4099])
def test_a_large_tensor_on_a_gpu_has_the_digest_that_another_process_computes(more: int) -> None:
    keep_on_gpu()
    assert quick_digests._compiled() is not None
    numbers = torch.randint(0, 256, (8 * quick_digests.LEAST_WORDS + more,), dtype=torch.uint8, device="cuda")
    parcel = pack([numbers])
    assert quick_digests.digests_of(parcel) == digests.digests_of(parcel)


@needs_gpu
def test_more_words_than_one_launch_takes_have_the_same_digest() -> None:
    words = torch.arange(quick_digests._PIECE + 77, device="cuda") * 0x123456789ABCDEF
    assert int(quick_digests.sum_of_words(words)) == int(digests.sum_of_words(words))


def test_without_a_gpu_the_usual_passes_are_made() -> None:
    parcel = pack([torch.arange(64.0), 3, {"a": torch.ones(2, dtype=torch.int8)}])
    assert quick_digests.digests_of(parcel) == digests.digests_of(parcel)
    assert quick_digests.digests_of_numbers(parcel) == digests.digests_of_numbers(parcel)
