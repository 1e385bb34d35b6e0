import torch
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>
#include <algorithm>

__device__ __forceinline__ float activation(float x) { return 0.5f * x * (1.0f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x))); }

__global__ void activation_kernel(const float* __restrict__ in, float* __restrict__ out, int64_t count) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < count; i += stride) {
    out[i] = activation(in[i]);
  }
}

torch::Tensor forward(torch::Tensor x) {
  auto in = x.contiguous();
  auto out = torch::empty_like(in);
  const int64_t count = in.numel();
  const int blocks = static_cast<int>(std::min<int64_t>((count + 255) / 256, 1 << 20));
  activation_kernel<<<blocks, 256>>>(in.data_ptr<float>(), out.data_ptr<float>(), count);
  return out;
}
"""

extension = load_inline(
    name="activation_right",
    cpp_sources="torch::Tensor forward(torch::Tensor x);",
    cuda_sources=SOURCE,
    functions=["forward"],
)


class ModelNew(torch.nn.Module):
    def __init__(self, *_):
        super().__init__()

    def forward(self, x):
        return extension.forward(x)
