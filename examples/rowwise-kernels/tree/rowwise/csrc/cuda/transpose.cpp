#define USE_CUDA
#include <climits>

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

extern "C" void rowwise_transpose(const float* x, float* out, int n_rows, int n_cols, void* stream);

namespace {

using torch::stable::Tensor;

Tensor transpose(const Tensor& x) {
  STD_TORCH_CHECK(x.dim() == 2 && x.is_cuda() && x.is_contiguous(), "transpose takes a contiguous CUDA matrix");
  STD_TORCH_CHECK(x.size(0) <= INT_MAX && x.size(1) <= INT_MAX, "transpose: the matrix is too large");
  Tensor out = torch::stable::new_empty(x, {x.size(1), x.size(0)});
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(x.get_device_index(), &stream));
  rowwise_transpose(x.const_data_ptr<float>(), out.mutable_data_ptr<float>(), static_cast<int>(x.size(0)),
                    static_cast<int>(x.size(1)), stream);
  return out;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(rowwise_cuda, m) { m.def("transpose(Tensor x) -> Tensor"); }

STABLE_TORCH_LIBRARY_IMPL(rowwise_cuda, CUDA, m) { m.impl("transpose", TORCH_BOX(&transpose)); }
