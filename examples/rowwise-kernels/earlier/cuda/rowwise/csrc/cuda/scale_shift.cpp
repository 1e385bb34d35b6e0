// SPDX-License-Identifier: MIT

#define USE_CUDA
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

extern "C" void rowwise_scale_shift(const float* x, const float* scale, const float* shift, float* out, int64_t n_rows,
                                    int64_t n_cols, void* stream);

namespace {

using torch::stable::Tensor;

Tensor scale_shift(const Tensor& x, const Tensor& scale, const Tensor& shift) {
  STD_TORCH_CHECK(x.dim() == 2 && x.is_cuda() && x.is_contiguous(), "scale_shift takes a contiguous CUDA matrix");
  STD_TORCH_CHECK(scale.is_contiguous() && shift.is_contiguous() && scale.numel() == x.size(1) &&
                      shift.numel() == x.size(1),
                  "scale_shift takes one scale and one shift per column");
  Tensor out = torch::stable::empty_like(x);
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(x.get_device_index(), &stream));
  rowwise_scale_shift(x.const_data_ptr<float>(), scale.const_data_ptr<float>(), shift.const_data_ptr<float>(),
                      out.mutable_data_ptr<float>(), x.size(0), x.size(1), stream);
  return out;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(rowwise_cuda, m) {
  m.def("scale_shift(Tensor x, Tensor scale, Tensor shift) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(rowwise_cuda, CUDA, m) { m.impl("scale_shift", TORCH_BOX(&scale_shift)); }
