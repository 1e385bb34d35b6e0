// SPDX-License-Identifier: Apache-2.0
// Euclidean length of each row: one warp per row, reduced with shuffles.

#include <cstdint>
#include <cuda_runtime.h>

namespace {

constexpr int kWarpSize = 32;
constexpr int kWarpsPerBlock = 4;

__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
  for (int offset = kWarpSize / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, offset);
  }
  return value;
}

__global__ void row_norm_kernel(const float* __restrict__ x, float* __restrict__ out, int64_t n_rows, int64_t n_cols) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarpsPerBlock + threadIdx.x / kWarpSize;
  if (row >= n_rows) return;
  const int lane = threadIdx.x % kWarpSize;
  const float* x_row = x + row * n_cols;
  float sum_of_squares = 0.0f;
  for (int64_t col = lane; col < n_cols; col += kWarpSize) {
    sum_of_squares += x_row[col] * x_row[col];
  }
  sum_of_squares = warp_sum(sum_of_squares);
  if (lane == 0) out[row] = sqrtf(sum_of_squares);
}

}  // namespace

extern "C" void rowwise_row_norm(const float* x, float* out, int64_t n_rows, int64_t n_cols, void* stream) {
  if (n_rows == 0) return;
  const auto n_blocks = static_cast<unsigned int>((n_rows + kWarpsPerBlock - 1) / kWarpsPerBlock);
  row_norm_kernel<<<n_blocks, kWarpsPerBlock * kWarpSize, 0, static_cast<cudaStream_t>(stream)>>>(x, out, n_rows,
                                                                                                   n_cols);
}
