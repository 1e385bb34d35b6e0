// Matrix transpose through a tile in shared memory.

#include <cstdint>
#include <cuda_runtime.h>

namespace {

constexpr int kTile = 32;
constexpr int kThreadRows = 8;

__global__ void transpose_kernel(const float* __restrict__ x, float* __restrict__ out, int n_rows, int n_cols) {
  // One column more than the tile: the 32 threads of a warp that read a column then hit 32 different banks.
  __shared__ float tile[kTile][kTile + 1];

  const int col = blockIdx.x * kTile + threadIdx.x;
  const int row = blockIdx.y * kTile + threadIdx.y;
  for (int i = 0; i < kTile; i += kThreadRows) {
    if (col < n_cols && row + i < n_rows) {
      tile[threadIdx.y + i][threadIdx.x] = x[static_cast<int64_t>(row + i) * n_cols + col];
    }
  }
  __syncthreads();

  const int out_col = blockIdx.y * kTile + threadIdx.x;
  const int out_row = blockIdx.x * kTile + threadIdx.y;
  for (int i = 0; i < kTile; i += kThreadRows) {
    if (out_col < n_rows && out_row + i < n_cols) {
      out[static_cast<int64_t>(out_row + i) * n_rows + out_col] = tile[threadIdx.x][threadIdx.y + i];
    }
  }
}

}  // namespace

extern "C" void rowwise_transpose(const float* x, float* out, int n_rows, int n_cols, void* stream) {
  if (n_rows == 0 || n_cols == 0) return;
  const dim3 grid((n_cols + kTile - 1) / kTile, (n_rows + kTile - 1) / kTile);
  const dim3 block(kTile, kThreadRows);
  transpose_kernel<<<grid, block, 0, static_cast<cudaStream_t>(stream)>>>(x, out, n_rows, n_cols);
}
