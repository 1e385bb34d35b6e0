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

__global__ void softmax_rows(const float* __restrict__ in, float* __restrict__ out, int64_t width) {
  const float* row = in + blockIdx.x * width;
  float* target = out + blockIdx.x * width;
  __shared__ float largest[32];
  float top = -INFINITY;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) top = fmaxf(top, row[i]);
  for (int offset = 16; offset > 0; offset /= 2) top = fmaxf(top, __shfl_down_sync(0xffffffff, top, offset));
  if (threadIdx.x % 32 == 0) largest[threadIdx.x / 32] = top;
  __syncthreads();
  top = largest[0];
  for (int i = 1; i < blockDim.x / 32; ++i) top = fmaxf(top, largest[i]);
  float sum = 0.0f;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) sum += expf(row[i] - top);
  sum = block_sum(sum);
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) target[i] = expf(row[i] - top) / sum;
}

torch::Tensor forward(torch::Tensor x) {
  auto in = x.contiguous();
  auto out = torch::empty_like(in);
  softmax_rows<<<in.size(0), 1024>>>(in.data_ptr<float>(), out.data_ptr<float>(), in.size(1));
  return out;
}
"""

extension = load_inline(
    name="softmax_right",
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
