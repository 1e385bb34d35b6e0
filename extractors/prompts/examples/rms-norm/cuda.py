import torch
from torch.utils.cpp_extension import load_inline

_CUDA_SOURCE = """
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void rms_norm_kernel(const float *x, const float *weight, float *result, int64_t size, float eps) {
  const float *from = x + blockIdx.x * size;
  float *to = result + blockIdx.x * size;
  float sum = 0.0f;
  for (int64_t i = threadIdx.x; i < size; i += blockDim.x) sum += from[i] * from[i];
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_down_sync(0xffffffff, sum, lane);
  __shared__ float partial[32];
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  float total = 0.0f;
  for (int warp = 0; warp < blockDim.x / 32; ++warp) total += partial[warp];
  const float scale = rsqrtf(total / size + eps);
  for (int64_t i = threadIdx.x; i < size; i += blockDim.x) to[i] = from[i] * scale * weight[i];
}

torch::Tensor rms_norm(torch::Tensor x, torch::Tensor weight, double eps) {
    auto rows = x.contiguous();
    auto out = torch::empty_like(rows);
    const int64_t size = rows.size(-1);
    const int64_t count = rows.numel() / size;
    rms_norm_kernel<<<count, 256>>>(
        rows.data_ptr<float>(), weight.contiguous().data_ptr<float>(), out.data_ptr<float>(), size, eps);
    return out;
}
"""

_extension = load_inline(
    name="rms_norm_extension",
    cpp_sources="torch::Tensor rms_norm(torch::Tensor x, torch::Tensor weight, double eps);",
    cuda_sources=_CUDA_SOURCE,
    functions=["rms_norm"],
)


class ModelNew(torch.nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return _extension.rms_norm(x, self.weight, self.eps)
