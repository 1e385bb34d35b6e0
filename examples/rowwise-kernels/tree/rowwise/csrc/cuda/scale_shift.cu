// SPDX-License-Identifier: MIT
// x * scale + shift with one scale and one shift per column, four columns per thread.

#include <cstdint>
#include <cuda_runtime.h>

namespace {

constexpr int kThreads = 256;

// A 16-byte access per thread moves four floats with one instruction.
__global__ void scale_shift_kernel(const float4* __restrict__ x, const float4* __restrict__ scale,
                                   const float4* __restrict__ shift, float4* __restrict__ out, int64_t n_vectors,
                                   int64_t vectors_per_row) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n_vectors; i += stride) {
    const int64_t col = i % vectors_per_row;
    const float4 value = x[i];
    const float4 factor = scale[col];
    const float4 offset = shift[col];
    out[i] = make_float4(value.x * factor.x + offset.x, value.y * factor.y + offset.y,
                         value.z * factor.z + offset.z, value.w * factor.w + offset.w);
  }
}

}  // namespace

extern "C" void rowwise_scale_shift(const float* x, const float* scale, const float* shift, float* out, int64_t n_rows,
                                    int64_t n_cols, void* stream) {
  const int64_t n_vectors = n_rows * n_cols / 4;
  if (n_vectors == 0) return;
  const int64_t needed = (n_vectors + kThreads - 1) / kThreads;
  const auto n_blocks = static_cast<unsigned int>(needed < 65535 ? needed : 65535);
  scale_shift_kernel<<<n_blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      reinterpret_cast<const float4*>(x), reinterpret_cast<const float4*>(scale),
      reinterpret_cast<const float4*>(shift), reinterpret_cast<float4*>(out), n_vectors, n_cols / 4);
}
