import torch
from torch.utils.cpp_extension import load_inline

_CPP_SOURCE = """
#include <torch/extension.h>
#include <algorithm>
#include <cmath>

constexpr int64_t TILE = 64;

// A tile of the weight stays in the cache for all rows; sums run over eight lanes, so that the compiler can use vectors.
static void linear_gelu_kernel(
    const float *x, const float *weight, const float *bias, float *out, int64_t rows, int64_t columns, int64_t size) {
#pragma omp parallel for
  for (int64_t first = 0; first < columns; first += TILE) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = first; column < std::min(first + TILE, columns); ++column) {
        const float *a = x + row * size;
        const float *b = weight + column * size;
        float lanes[8] = {};
        int64_t k = 0;
        for (; k + 8 <= size; k += 8) {
          for (int lane = 0; lane < 8; ++lane) lanes[lane] += a[k + lane] * b[k + lane];
        }
        float y = bias[column];
        for (; k < size; ++k) y += a[k] * b[k];
        for (float lane : lanes) y += lane;
        out[row * columns + column] = 0.5f * y * (1.0f + std::erf(y * 0.70710678f));
      }
    }
  }
}

torch::Tensor linear_gelu(torch::Tensor x, torch::Tensor weight, torch::Tensor bias) {
    const int64_t columns = weight.size(0);
    const int64_t size = weight.size(1);
    auto rows = x.reshape({-1, size}).contiguous();
    auto out = torch::empty({rows.size(0), columns}, rows.options());
    auto weights = weight.contiguous();
    auto biases = bias.contiguous();
    linear_gelu_kernel(rows.data_ptr<float>(), weights.data_ptr<float>(), biases.data_ptr<float>(),
                       out.data_ptr<float>(), rows.size(0), columns, size);
    auto shape = x.sizes().vec();
    shape.back() = columns;
    return out.reshape(shape);
}
"""

_extension = load_inline(
    name="linear_gelu_extension",
    cpp_sources=_CPP_SOURCE,
    functions=["linear_gelu"],
    extra_cflags=["-O3", "-fopenmp"],
)


class ModelNew(torch.nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = torch.nn.Linear(in_features, out_features)

    def forward(self, x):
        return _extension.linear_gelu(x, self.linear.weight, self.linear.bias)
