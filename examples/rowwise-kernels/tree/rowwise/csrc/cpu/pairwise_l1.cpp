// SPDX-License-Identifier: BSD-3-Clause
// Sum of absolute differences between every row of one matrix and every row of another.

#include <cmath>

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using torch::stable::Tensor;

// Below this many elements, waking the threads costs more than they save.
constexpr int64_t kSerialBelow = 1 << 14;

inline float l1_distance(const float* a, const float* b, int64_t n_cols) {
  float total = 0.0f;
#pragma omp simd reduction(+ : total)
  for (int64_t col = 0; col < n_cols; ++col) {
    total += std::fabs(a[col] - b[col]);
  }
  return total;
}

void pairwise_l1_kernel(const float* a, const float* b, float* out, int64_t n_a, int64_t n_b, int64_t n_cols) {
#pragma omp parallel for collapse(2) schedule(static) if (n_a * n_b * n_cols >= kSerialBelow)
  for (int64_t i = 0; i < n_a; ++i) {
    for (int64_t j = 0; j < n_b; ++j) {
      out[i * n_b + j] = l1_distance(a + i * n_cols, b + j * n_cols, n_cols);
    }
  }
}

Tensor pairwise_l1(const Tensor& a, const Tensor& b) {
  STD_TORCH_CHECK(a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(1), "pairwise_l1: rows differ in length");
  STD_TORCH_CHECK(a.is_contiguous() && b.is_contiguous(), "pairwise_l1 takes contiguous matrices");
  Tensor out = torch::stable::new_empty(a, {a.size(0), b.size(0)});
  pairwise_l1_kernel(a.const_data_ptr<float>(), b.const_data_ptr<float>(), out.mutable_data_ptr<float>(), a.size(0),
                     b.size(0), a.size(1));
  return out;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(rowwise_cpu, m) { m.def("pairwise_l1(Tensor a, Tensor b) -> Tensor"); }

STABLE_TORCH_LIBRARY_IMPL(rowwise_cpu, CPU, m) { m.impl("pairwise_l1", TORCH_BOX(&pairwise_l1)); }
