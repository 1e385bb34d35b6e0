// SPDX-License-Identifier: Apache-2.0

#define USE_CUDA
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

extern "C" void rowwise_row_norm(const float* x, float* out, int64_t n_rows, int64_t n_cols, void* stream);

namespace {

using torch::stable::Tensor;

Tensor row_norm(const Tensor& x) {
  STD_TORCH_CHECK(x.dim() == 2 && x.is_cuda() && x.is_contiguous(), "row_norm takes a contiguous CUDA matrix");
  Tensor out = torch::stable::new_empty(x, {x.size(0)});
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(x.get_device_index(), &stream));
  rowwise_row_norm(x.const_data_ptr<float>(), out.mutable_data_ptr<float>(), x.size(0), x.size(1), stream);
  return out;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(rowwise_cuda, m) { m.def("row_norm(Tensor x) -> Tensor"); }

STABLE_TORCH_LIBRARY_IMPL(rowwise_cuda, CUDA, m) { m.impl("row_norm", TORCH_BOX(&row_norm)); }
