// SPDX-License-Identifier: Apache-2.0
// Residual addition and root-mean-square normalisation in one pass over each row.

#include <cmath>

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using torch::stable::Tensor;

// Below this many elements, waking the threads costs more than they save.
constexpr int64_t kSerialBelow = 1 << 14;

void add_rms_norm_kernel(const float* x, const float* residual, const float* weight, float* out, int64_t n_rows,
                         int64_t n_cols, float eps) {
#pragma omp parallel for schedule(static) if (n_rows * n_cols >= kSerialBelow)
  for (int64_t row = 0; row < n_rows; ++row) {
    const float* x_row = x + row * n_cols;
    const float* residual_row = residual + row * n_cols;
    float* out_row = out + row * n_cols;
    float sum_of_squares = 0.0f;
#pragma omp simd reduction(+ : sum_of_squares)
    for (int64_t col = 0; col < n_cols; ++col) {
      const float value = x_row[col] + residual_row[col];
      out_row[col] = value;
      sum_of_squares += value * value;
    }
    // The row was just written and is still in the cache: the second loop reads no memory but the weight.
    const float scale = 1.0f / std::sqrt(sum_of_squares / static_cast<float>(n_cols) + eps);
#pragma omp simd
    for (int64_t col = 0; col < n_cols; ++col) {
      out_row[col] = out_row[col] * scale * weight[col];
    }
  }
}

Tensor add_rms_norm(const Tensor& x, const Tensor& residual, const Tensor& weight, double eps) {
  STD_TORCH_CHECK(x.dim() == 2 && x.is_contiguous() && residual.is_contiguous() && weight.is_contiguous(),
                  "add_rms_norm takes contiguous matrices");
  STD_TORCH_CHECK(residual.size(0) == x.size(0) && residual.size(1) == x.size(1) && weight.numel() == x.size(1),
                  "add_rms_norm: sizes do not match");
  Tensor out = torch::stable::empty_like(x);
  add_rms_norm_kernel(x.const_data_ptr<float>(), residual.const_data_ptr<float>(), weight.const_data_ptr<float>(),
                      out.mutable_data_ptr<float>(), x.size(0), x.size(1), static_cast<float>(eps));
  return out;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(rowwise_cpu, m) {
  m.def("add_rms_norm(Tensor x, Tensor residual, Tensor weight, float eps) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(rowwise_cpu, CPU, m) { m.impl("add_rms_norm", TORCH_BOX(&add_rms_norm)); }
