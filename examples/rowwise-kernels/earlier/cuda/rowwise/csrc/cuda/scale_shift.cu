// SPDX-License-Identifier: MIT
// x * scale + shift with one scale and one shift per column.

#include <cstdint>
#include <cuda_runtime.h>

namespace {

constexpr int kThreads = 256;

__global__ void scale_shift_kernel(const float* __restrict__ x, const float* __restrict__ scale,
                                   const float* __restrict__ shift, float* __restrict__ out, int64_t n_elements,
                                   int64_t n_cols) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n_elements; i += stride) {
    const int64_t col = i % n_cols;
    out[i] = x[i] * scale[col] + shift[col];
  }
}

}  // namespace

extern "C" void rowwise_scale_shift(const float* x, const float* scale, const float* shift, float* out, int64_t n_rows,
                                    int64_t n_cols, void* stream) {
  const int64_t n_elements = n_rows * n_cols;
  if (n_elements == 0) return;
  const int64_t needed = (n_elements + kThreads - 1) / kThreads;
  const auto n_blocks = static_cast<unsigned int>(needed < 65535 ? needed : 65535);
  scale_shift_kernel<<<n_blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(x, scale, shift, out, n_elements,
                                                                                   n_cols);
}
