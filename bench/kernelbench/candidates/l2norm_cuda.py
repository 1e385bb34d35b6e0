import torch
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__device__ float block_sum(float value) {
  __shared__ float partial[32];
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffff, value, offset);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  value = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0.0f;
  if (threadIdx.x < 32) {
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffff, value, offset);
    if (threadIdx.x == 0) partial[0] = value;
  }
  __syncthreads();
  value = partial[0];
  __syncthreads();
  return value;
}

__global__ void normalize_rows(const float* __restrict__ in, float* __restrict__ out, int64_t width) {
  const float* row = in + blockIdx.x * width;
  float* target = out + blockIdx.x * width;
  float sum = 0.0f;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) sum += row[i] * row[i];
  const float norm = sqrtf(block_sum(sum));
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) target[i] = row[i] / norm;
}

torch::Tensor forward(torch::Tensor x) {
  auto in = x.contiguous();
  auto out = torch::empty_like(in);
  normalize_rows<<<in.size(0), 512>>>(in.data_ptr<float>(), out.data_ptr<float>(), in.size(1));
  return out;
}
"""

extension = load_inline(
    name="l2_right",
    cpp_sources="torch::Tensor forward(torch::Tensor x);",
    cuda_sources=SOURCE,
    functions=["forward"],
    extra_cuda_cflags=["-O3"],
)


class ModelNew(torch.nn.Module):
    def __init__(self, *_):
        super().__init__()

    def forward(self, x):
        return extension.forward(x)
