// SPDX-License-Identifier: MIT
// Exponential moving average along each row: y[t] = alpha * x[t] + (1 - alpha) * y[t - 1].

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using torch::stable::Tensor;

// Below this many elements, waking the threads costs more than they save.
constexpr int64_t kSerialBelow = 1 << 14;

// The steps of a row depend on each other, the rows do not: a thread keeps the state of its row in a register.
void ema_scan_kernel(const float* x, float* out, int64_t n_rows, int64_t n_steps, float alpha) {
#pragma omp parallel for schedule(static) if (n_rows * n_steps >= kSerialBelow)
  for (int64_t row = 0; row < n_rows; ++row) {
    const float* x_row = x + row * n_steps;
    float* out_row = out + row * n_steps;
    float state = x_row[0];
    out_row[0] = state;
    for (int64_t step = 1; step < n_steps; ++step) {
      state = alpha * x_row[step] + (1.0f - alpha) * state;
      out_row[step] = state;
    }
  }
}

Tensor ema_scan(const Tensor& x, double alpha) {
  STD_TORCH_CHECK(x.dim() == 2 && x.is_contiguous() && x.size(1) > 0, "ema_scan takes a contiguous matrix with steps");
  Tensor out = torch::stable::empty_like(x);
  ema_scan_kernel(x.const_data_ptr<float>(), out.mutable_data_ptr<float>(), x.size(0), x.size(1),
                  static_cast<float>(alpha));
  return out;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(rowwise_cpu, m) { m.def("ema_scan(Tensor x, float alpha) -> Tensor"); }

STABLE_TORCH_LIBRARY_IMPL(rowwise_cpu, CPU, m) { m.impl("ema_scan", TORCH_BOX(&ema_scan)); }
