import torch
from torch.utils.cpp_extension import load_inline

_CPP_SOURCE = """
#include <torch/extension.h>
#include <cmath>

torch::Tensor rms_norm(torch::Tensor x, torch::Tensor weight, double eps) {
    auto rows = x.contiguous();
    auto scales = weight.contiguous();
    auto out = torch::empty_like(rows);
    const int64_t size = rows.size(-1);
    const int64_t count = rows.numel() / size;
    const float* in = rows.data_ptr<float>();
    const float* w = scales.data_ptr<float>();
    float* to = out.data_ptr<float>();
    at::parallel_for(0, count, 16, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const float* x_row = in + row * size;
            double sum = 0.0;
            for (int64_t i = 0; i < size; ++i) sum += static_cast<double>(x_row[i]) * x_row[i];
            const float scale = 1.0 / std::sqrt(sum / size + eps);
            for (int64_t i = 0; i < size; ++i) to[row * size + i] = x_row[i] * scale * w[i];
        }
    });
    return out;
}
"""

_extension = load_inline(
    name="rms_norm_extension",
    cpp_sources=_CPP_SOURCE,
    functions=["rms_norm"],
    extra_cflags=["-O3"],
)


class ModelNew(torch.nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return _extension.rms_norm(x, self.weight, self.eps)
