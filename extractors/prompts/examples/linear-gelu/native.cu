#include <cstdint>
#include <cuda_runtime.h>

constexpr int TILE = 32;
constexpr int ROWS = 8;

// Tiles go through shared memory: each value is read from memory once per tile and not once per product.
__global__ void linear_gelu_kernel(
    const float *x, const float *weight, const float *bias, float *out, int64_t rows, int64_t columns, int64_t size) {
  __shared__ float x_tile[TILE][TILE];
  __shared__ float weight_tile[TILE][TILE + 1];
  const int64_t column = blockIdx.x * int64_t(TILE) + threadIdx.x;
  const int64_t first = blockIdx.y * int64_t(TILE);
  float total[TILE / ROWS] = {};
  for (int64_t start = 0; start < size; start += TILE) {
    const int64_t k = start + threadIdx.x;
    for (int i = threadIdx.y; i < TILE; i += ROWS) {
      const int64_t weight_row = blockIdx.x * int64_t(TILE) + i;
      x_tile[i][threadIdx.x] = first + i < rows && k < size ? x[(first + i) * size + k] : 0.0f;
      weight_tile[i][threadIdx.x] = weight_row < columns && k < size ? weight[weight_row * size + k] : 0.0f;
    }
    __syncthreads();
    for (int j = 0; j < TILE; ++j) {
      const float value = weight_tile[threadIdx.x][j];
      for (int i = 0; i < TILE / ROWS; ++i) total[i] += x_tile[threadIdx.y + i * ROWS][j] * value;
    }
    __syncthreads();
  }
  for (int i = 0; i < TILE / ROWS; ++i) {
    const int64_t row = first + threadIdx.y + i * ROWS;
    if (row >= rows || column >= columns) continue;
    const float y = total[i] + bias[column];
    out[row * columns + column] = 0.5f * y * (1.0f + erff(y * 0.70710678f));
  }
}

// in: x, weight, bias; out: the result. dims: those of x, then 2, columns, size, then 1, columns, then the result's.
extern "C" int run(void **in, void **out, const int64_t *dims, void *, void *stream) {
  int64_t rows = 1;
  for (int64_t axis = 1; axis < dims[0]; ++axis) rows *= dims[axis];
  const int64_t size = dims[dims[0]];
  const int64_t columns = dims[dims[0] + 2];
  if (rows == 0) return 0;
  const dim3 blocks((columns + TILE - 1) / TILE, (rows + TILE - 1) / TILE);
  linear_gelu_kernel<<<blocks, dim3(TILE, ROWS), 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<const float *>(in[0]), static_cast<const float *>(in[1]), static_cast<const float *>(in[2]),
      static_cast<float *>(out[0]), rows, columns, size);
  return cudaGetLastError();
}
