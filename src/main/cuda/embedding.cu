// Formula: out[r] = table[id] · scale, id = ids[r], or lastSampled[-ids[r] - 1] when ids[r] < 0; rows picked by index;
//   pseudo-random or constant fills; conversions to bf16.
// Shapes: table bf16 [vocabSize, hidden], out f32 [numRows, hidden]; gather: out [numRows, width] = x[rows[r]], a negative
//   index gives a zero row. An id outside [0, vocabSize) gives a zero row.
// Numerics: exact for embed with scale 1; fill_bf16 is a sum of four uniform bytes: mean 0, the deviation given, bounded by
//   3.45 deviations; the value depends on seed and index only. Conversions round to nearest even.
// Launch: rows: grid = (ceil(hidden / 8 / 128) (gather: width / 8), min(numRows, 65535)), block = 128; flat: grid =
//   min(ceil(n / 8 / 256), 16 · SMs), block = 256; any geometry is correct. 16-byte accesses where pointers and widths allow.
// Bound: bytes read and written once.
// Source: the hash constants are those of Wellons' lowbias32.
#pragma once
#include <cuda_fp16.h>
#include "common.cuh"

namespace embedding {

__device__ __forceinline__ bool aligned16(const void* p) { return ((uintptr_t)p & 15) == 0; }

template <typename T>
__device__ __forceinline__ void gather_rows(T* out, const T* x, const int* rows, int width, int numRows) {
  constexpr int V = 16 / sizeof(T);
  let_next_start();
  wait_for_previous();
  const int column = blockIdx.x * blockDim.x + threadIdx.x, columns = gridDim.x * blockDim.x;
  const bool vector = width % V == 0 && aligned16(out) && aligned16(x);
  for (int r = blockIdx.y; r < numRows; r += gridDim.y) {
    const int row = rows[r];
    const T* from = x + (long)row * width;
    T* to = out + (long)r * width;
    if (vector) {
      const uint4 zero = make_uint4(0, 0, 0, 0);
      for (int i = column; i < width / V; i += columns)
        reinterpret_cast<uint4*>(to)[i] = row < 0 ? zero : reinterpret_cast<const uint4*>(from)[i];
    } else {
      for (int i = column; i < width; i += columns) to[i] = row < 0 ? T(0.f) : from[i];
    }
  }
}

__device__ __forceinline__ uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ x >> 16;
}

// Element j of the vector of eight whose mixed number is h; few instructions, as a fill shall run at memory speed.
__device__ __forceinline__ float gaussian(uint32_t h, int j, float scale) {
  uint32_t x = h + (uint32_t)(j + 1) * 0x9e3779b9u;
  x = (x ^ x >> 15) * 0x2c1b3c6du;
  x ^= x >> 13;
  return ((int)__dp4a(x, 0x01010101u, 0u) - 510) * scale;
}

__device__ __forceinline__ uint32_t vector_number(long v, unsigned long seed) {
  const uint32_t high = mix((uint32_t)(v >> 32) + (uint32_t)(seed >> 32) * 0x85ebca6bu + (uint32_t)seed);
  return mix((uint32_t)v ^ high);
}

template <typename T>
__device__ __forceinline__ void convert(bf16* out, const T* in, long n) {
  let_next_start();
  wait_for_previous();
  const long thread = (long)blockIdx.x * blockDim.x + threadIdx.x, threads = (long)gridDim.x * blockDim.x;
  long done = 0;
  if (aligned16(out) && aligned16(in)) {
    for (long v = thread; v < n / 8; v += threads) {
      union {
        uint4 raw[sizeof(T) / 2];
        T x[8];
      } from;
      float f[8];
#pragma unroll
      for (int i = 0; i < (int)sizeof(T) / 2; i++) from.raw[i] = reinterpret_cast<const uint4*>(in)[v * (sizeof(T) / 2) + i];
#pragma unroll
      for (int i = 0; i < 8; i++) f[i] = (float)from.x[i];
      store8(out + 8 * v, pack8(f));
    }
    done = n & ~7L;
  }
  for (long i = done + thread; i < n; i += threads) out[i] = __float2bfloat16((float)in[i]);
}

}  // namespace embedding

extern "C" __global__ void __launch_bounds__(128)
    embed_bf16(float* out, const bf16* table, const int* ids, const int* lastSampled, float scale, int hidden,
               int vocabSize, int numRows) {
  let_next_start();
  wait_for_previous();
  const int column = blockIdx.x * blockDim.x + threadIdx.x, columns = gridDim.x * blockDim.x;
  for (int row = blockIdx.y; row < numRows; row += gridDim.y) {
    int id = ids[row];
    if (id < 0) id = lastSampled[~id];
    const bool valid = id >= 0 && id < vocabSize;
    const bf16* from = table + (valid ? (long)id * hidden : 0L);
    float* to = out + (long)row * hidden;
    if (hidden & 7) {
      for (int i = column; i < hidden; i += columns) to[i] = valid ? __bfloat162float(from[i]) * scale : 0.f;
    } else {
      for (int i = 8 * column; i < hidden; i += 8 * columns) {
        float f[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
        if (valid) unpack8(load8(from + i), f);
        reinterpret_cast<float4*>(to + i)[0] = make_float4(f[0] * scale, f[1] * scale, f[2] * scale, f[3] * scale);
        reinterpret_cast<float4*>(to + i)[1] = make_float4(f[4] * scale, f[5] * scale, f[6] * scale, f[7] * scale);
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(128)
    gather_rows_f32(float* out, const float* x, const int* rows, int width, int numRows) {
  embedding::gather_rows(out, x, rows, width, numRows);
}

extern "C" __global__ void __launch_bounds__(128)
    gather_rows_bf16(bf16* out, const bf16* x, const int* rows, int width, int numRows) {
  embedding::gather_rows(out, x, rows, width, numRows);
}

extern "C" __global__ void __launch_bounds__(256) fill_bf16(bf16* p, long n, unsigned long seed, float deviation) {
  let_next_start();
  wait_for_previous();
  const float scale = deviation / 147.8f;  // the deviation of a sum of four uniform bytes
  const long thread = (long)blockIdx.x * blockDim.x + threadIdx.x, threads = (long)gridDim.x * blockDim.x;
  const long vectors = embedding::aligned16(p) ? n / 8 : 0;
  for (long v = thread; v < vectors; v += threads) {
    const uint32_t h = embedding::vector_number(v, seed);
    float f[8];
#pragma unroll
    for (int j = 0; j < 8; j++) f[j] = embedding::gaussian(h, j, scale);
    store8(p + 8 * v, pack8(f));
  }
  for (long i = 8 * vectors + thread; i < n; i += threads)
    p[i] = __float2bfloat16(embedding::gaussian(embedding::vector_number(i / 8, seed), (int)(i & 7), scale));
}

extern "C" __global__ void __launch_bounds__(256) fill_f32(float* p, long n, float value) {
  let_next_start();
  wait_for_previous();
  const long thread = (long)blockIdx.x * blockDim.x + threadIdx.x, threads = (long)gridDim.x * blockDim.x;
  for (long i = thread; i < n; i += threads) p[i] = value;
}

extern "C" __global__ void __launch_bounds__(256) convert_f16_bf16(bf16* out, const __half* in, long n) {
  embedding::convert(out, in, n);
}

extern "C" __global__ void __launch_bounds__(256) convert_f32_bf16(bf16* out, const float* in, long n) {
  embedding::convert(out, in, n);
}
