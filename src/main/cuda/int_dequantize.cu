// Formula: out[r, k] = v[n, k] · scale[n, group] + offset[n, group] as bf16, n = first row + r; embed: the same rows picked by
//   token id, times a factor, as f32; permute_columns: out[m, c] = x[m, order[c]].
// Shapes: w as in int_weights.cuh; out bf16 [numRows, K] (K a multiple of 8), first row a multiple of 16; embed: out f32
//   [numRows, K], an id outside [0, N) gives a zero row; permute: out, x bf16 rows of outStride, xStride.
// Numerics: one rounding to bf16; embed: none but f32's.
// Launch: dequantize: grid = (ceil(K / 64 / 8), min(ceil(numRows / 16), 65535)), block 256: a warp a block of codes; embed and
//   permute: as embed_bf16 and gather_rows_bf16 of embedding.cu. Any geometry is correct.
// Bound: bytes: codes and scales read, 2 · N · K written.
// Source: int_weights.cuh.
#pragma once
#include "int_weights.cuh"

namespace int_dequantize {

using namespace ints;

__device__ __forceinline__ uint32_t pair(const Scale& s, uint32_t v) {
  bf162 pair;
  memcpy(&pair, &v, 4);
  const float2 f = __bfloat1622float2(pair);
  pair = __floats2bfloat162_rn(fmaf(f.x, s.scale, s.offset), fmaf(f.y, s.scale, s.offset));
  memcpy(&v, &pair, 4);
  return v;
}

template <int BITS>
__device__ __forceinline__ void dequantize(bf16* out, const Matrix& w, int granulesPerStep, int firstTile, int numRows) {
  constexpr int PIECES = BITS / 4;
  const int lane = threadIdx.x & 31, g = lane >> 2, q = lane & 3, warps = blockDim.x / 32;
  const int steps = w.steps(), granuleBytes = 16 * w.width(), shift = granulesPerStep == 1 ? 2 : granulesPerStep == 2 ? 1 : 0;
  let_next_start();
  wait_for_previous();
  for (int tile = blockIdx.y; tile * 16 < numRows; tile += gridDim.y)
    for (int step = blockIdx.x * warps + threadIdx.x / 32; step < steps; step += gridDim.x * warps) {
      const unsigned char* from = w.codes + ((long)(firstTile + tile) * steps + step) * (PIECES * 512) + lane * 16;
      uint4 block[PIECES];
#pragma unroll
      for (int p = 0; p < PIECES; p++) block[p] = __ldcs(reinterpret_cast<const uint4*>(from + p * 512));
      const int granule = granulesPerStep == 1 ? w.granule<1>(step) : step * granulesPerStep;
      const unsigned char* scales = w.scales + ((long)(firstTile + tile) * w.groups + granule) * granuleBytes;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        Scale s[2];
        read_scales(s, scales + (j >> shift) * granuleBytes, g, w.form);
        uint32_t a[4];
        operand<BITS>(a, block, j);
        // Neighbours exchange pairs, so that each has four k of one half.
        const int k = step * 64 + j * 16 + (q & 1) * 8 + (q & 2) * 2;
#pragma unroll
        for (int h = 0; h < 2; h++) {
          const uint32_t low = pair(s[h], a[h]), high = pair(s[h], a[2 + h]);
          const uint32_t other = __shfl_xor_sync(FULL_WARP, q & 1 ? low : high, 1);
          const int row = tile * 16 + g + 8 * h;
          if (row < numRows && k < w.K)
            *reinterpret_cast<uint2*>(out + (long)row * w.K + k) = q & 1 ? make_uint2(other, high) : make_uint2(low, other);
        }
      }
    }
}

// Four neighbouring values of a row.
template <int BITS>
__device__ __forceinline__ void four(float (&f)[4], const Matrix& w, int granulesPerStep, int row, int k) {
  constexpr int PIECES = BITS / 4;
  const int tile = row >> 4, h = row >> 3 & 1, g = row & 7, step = k >> 6, j = k >> 4 & 3;
  const int q = k >> 1 & 3, register0 = h + 2 * (k >> 3 & 1);  // k, k + 1; the next lane has k + 2, k + 3
  const unsigned char* block = w.codes + ((long)tile * w.steps() + step) * (PIECES * 512) + (g * 4 + q) * 16;
  int v[4];
  if constexpr (BITS == 4) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t word = reinterpret_cast<const uint32_t*>(block + 16 * (i >> 1))[j];
      v[i] = (int)(word >> (4 * register0 + 16 * (i & 1)) & 15) - 8;
    }
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t* words = reinterpret_cast<const uint32_t*>(block + (j >> 1) * 512 + 16 * (i >> 1)) + 2 * (j & 1);
      v[i] = (signed char)(words[register0 >> 1] >> (8 * h + 16 * (i & 1)));
    }
  }
  const int granule = granulesPerStep == 1 ? w.granule<1>(step) : step * granulesPerStep + j * granulesPerStep / 4;
  Scale s[2];
  read_scales(s, w.scales + ((long)tile * w.groups + granule) * 16 * w.width(), g, w.form);
  const Scale own = h ? s[1] : s[0];
#pragma unroll
  for (int i = 0; i < 4; i++) f[i] = fmaf((float)v[i], own.scale, own.offset);
}

template <int BITS>
__device__ __forceinline__ void embed(float* out, const Matrix& w, int granulesPerStep, const int* ids, const int* lastSampled,
                                      float factor, int numRows) {
  let_next_start();
  wait_for_previous();
  const int column = blockIdx.x * blockDim.x + threadIdx.x, columns = gridDim.x * blockDim.x;
  for (int row = blockIdx.y; row < numRows; row += gridDim.y) {
    int id = ids[row];
    if (id < 0) id = lastSampled[~id];
    for (int k = 4 * column; k < w.K; k += 4 * columns) {
      float f[4] = {0.f, 0.f, 0.f, 0.f};
      if (id >= 0 && id < w.N) four<BITS>(f, w, granulesPerStep, id, k);
      *reinterpret_cast<float4*>(out + (long)row * w.K + k) =
          make_float4(f[0] * factor, f[1] * factor, f[2] * factor, f[3] * factor);
    }
  }
}

}  // namespace int_dequantize

#define INT_DEQUANTIZE(BITS)                                                                                           \
  extern "C" __global__ void __launch_bounds__(256)                                                                    \
      dequantize_w##BITS(bf16* out, const unsigned char* codes, const unsigned char* scales, int N, int K, int form,    \
                         int groups, unsigned groupSteps, int granulesPerStep, int firstTile, int numRows) {           \
    const ints::Matrix w = {codes, scales, N, K, form, groups, groupSteps};                                            \
    int_dequantize::dequantize<BITS>(out, w, granulesPerStep, firstTile, numRows);                                     \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(128)                                                                    \
      embed_w##BITS(float* out, const unsigned char* codes, const unsigned char* scales, int N, int K, int form,        \
                    int groups, unsigned groupSteps, int granulesPerStep, const int* ids, const int* lastSampled,      \
                    float factor, int numRows) {                                                                       \
    const ints::Matrix w = {codes, scales, N, K, form, groups, groupSteps};                                            \
    int_dequantize::embed<BITS>(out, w, granulesPerStep, ids, lastSampled, factor, numRows);                           \
  }
INT_DEQUANTIZE(4)
INT_DEQUANTIZE(8)
#undef INT_DEQUANTIZE

extern "C" __global__ void __launch_bounds__(128)
    permute_columns_bf16(bf16* out, const bf16* x, const int* order, int K, int outStride, int xStride, int numRows) {
  let_next_start();
  wait_for_previous();
  const int column = blockIdx.x * blockDim.x + threadIdx.x, columns = gridDim.x * blockDim.x;
  for (int row = blockIdx.y; row < numRows; row += gridDim.y) {
    const bf16* from = x + (long)row * xStride;
    bf16* to = out + (long)row * outStride;
    for (int c = 8 * column; c < K; c += 8 * columns) {  // K is a multiple of 8
      Bf16x8 v;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        v.pair[i].x = from[order[c + 2 * i]];
        v.pair[i].y = from[order[c + 2 * i + 1]];
      }
      store8(to + c, v);
    }
  }
}
