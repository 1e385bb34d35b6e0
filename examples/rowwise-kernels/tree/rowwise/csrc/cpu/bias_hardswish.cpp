// Hard swish of rows plus a bias: z * clamp(z + 3, 0, 6) / 6 with z = x + bias.

#include <algorithm>

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using torch::stable::Tensor;

// Below this many elements, waking the threads costs more than they save.
constexpr int64_t kSerialBelow = 1 << 14;

void bias_hardswish_kernel(const float* x, const float* bias, float* out, int64_t n_rows, int64_t n_cols) {
#pragma omp parallel for schedule(static) if (n_rows * n_cols >= kSerialBelow)
  for (int64_t row = 0; row < n_rows; ++row) {
    const float* x_row = x + row * n_cols;
    float* out_row = out + row * n_cols;
#pragma omp simd
    for (int64_t col = 0; col < n_cols; ++col) {
      const float z = x_row[col] + bias[col];
      out_row[col] = z * std::min(std::max(z + 3.0f, 0.0f), 6.0f) / 6.0f;
    }
  }
}

Tensor bias_hardswish(const Tensor& x, const Tensor& bias) {
  STD_TORCH_CHECK(x.dim() == 2 && x.is_contiguous() && bias.is_contiguous() && bias.numel() == x.size(1),
                  "bias_hardswish takes a contiguous matrix and one bias per column");
  Tensor out = torch::stable::empty_like(x);
  bias_hardswish_kernel(x.const_data_ptr<float>(), bias.const_data_ptr<float>(), out.mutable_data_ptr<float>(),
                        x.size(0), x.size(1));
  return out;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(rowwise_cpu, m) { m.def("bias_hardswish(Tensor x, Tensor bias) -> Tensor"); }

STABLE_TORCH_LIBRARY_IMPL(rowwise_cpu, CPU, m) { m.impl("bias_hardswish", TORCH_BOX(&bias_hardswish)); }
