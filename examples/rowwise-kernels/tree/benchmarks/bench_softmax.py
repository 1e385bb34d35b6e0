# SPDX-License-Identifier: MIT
"""Time of softmax against torch.softmax; needs a GPU."""

import torch
import triton

from rowwise import softmax


@triton.testing.perf_report(
    triton.testing.Benchmark(
        x_names=["n_cols"],
        x_vals=[256 * i for i in range(1, 33)],
        line_arg="provider",
        line_vals=["triton", "torch"],
        line_names=["rowwise", "PyTorch"],
        ylabel="milliseconds",
        plot_name="softmax",
        args={"n_rows": 4096},
    )
)
def benchmark(n_rows, n_cols, provider):
    x = torch.randn(n_rows, n_cols, device="cuda")
    if provider == "torch":
        return triton.testing.do_bench(lambda: torch.softmax(x, dim=-1))
    return triton.testing.do_bench(lambda: softmax(x))


if __name__ == "__main__":
    benchmark.run(print_data=True)
