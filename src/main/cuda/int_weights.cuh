// Matrices of small integers as they lie on the device, and their way to bf16.
//
// w[n, k] = v[n, k] · scale[n, group] + offset[n, group]; v is a two's complement integer of 4 or 8 bits, its offset zero
// for symmetric matrices. In memory, row tile by row tile (16 rows), step by step (64 k): a block of 16 bytes a lane (4 bits)
// or twice 16 (8 bits), in which the lane g = lane / 4, q = lane % 4 finds its own operand A of mma.m16n8k16, for the four
// products j of 16 k. Register i of product j is the pair of row g + 8 · (i & 1) with k = 16 j + 2 q + 8 · (i >> 1) + {0, 1}.
//   4 bits: word j, register i: bits 4 i … 4 i + 3 the first of the pair, 16 bits above the second; v + 8 is stored.
//   8 bits: piece j / 2, word 2 (j & 1) + (i >> 1), byte i & 1 the first of the pair, two bytes above the second.
// Rows and k are padded with zeros to full blocks.
// Scales: for each row tile and granule (GS = 1: a run of `groupSteps` steps; 2, 4: a half or a quarter of a step) eight
// pairs of rows g, g + 8; a row has its scale, and behind it its offset where the matrix has them.
#pragma once
#include <cuda_fp16.h>
#include "common.cuh"

namespace ints {

using namespace ptx;

// How scales are stored.
constexpr int WIDE = 1;     // f32, else 16 bits
constexpr int OFFSETS = 2;  // each scale is followed by the offset; of 16 bits: by offset / scale, an integer
constexpr int HALF = 4;     // 16 bits are f16, else bf16

// A matrix as the kernels get it.
struct Matrix {
  const unsigned char* codes;
  const unsigned char* scales;
  int N, K, form;
  int groups;             // granules of a row
  unsigned groupSteps;    // GS = 1: ceil(2^32 / steps of a group), 0 for one step

  __device__ __forceinline__ int steps() const { return (K + 63) >> 6; }
  __device__ __forceinline__ int width() const { return (form & WIDE ? 4 : 2) << (form & OFFSETS ? 1 : 0); }
  template <int GS>
  __device__ __forceinline__ int granule(int step) const {
    return GS > 1 ? step * GS : groupSteps ? (int)__umulhi((unsigned)step, groupSteps) : step;
  }
};

struct Scale {
  float scale, offset;
};

__device__ __forceinline__ float half_bits(uint32_t bits, int form) {
  return form & HALF ? __half2float(__ushort_as_half((unsigned short)bits)) : __uint_as_float(bits << 16);
}

// Scales of rows g and g + 8 from the 16 · width bytes of a granule; `form` is the same for all threads.
__device__ __forceinline__ void read_scales(Scale (&s)[2], const unsigned char* granule, int g, int form) {
  if (form & WIDE) {
    if (form & OFFSETS) {
      const float4 v = reinterpret_cast<const float4*>(granule)[g];
      s[0] = {v.x, v.y}, s[1] = {v.z, v.w};
    } else {
      const float2 v = reinterpret_cast<const float2*>(granule)[g];
      s[0] = {v.x, 0.f}, s[1] = {v.y, 0.f};
    }
  } else if (form & OFFSETS) {
    const uint2 v = reinterpret_cast<const uint2*>(granule)[g];
    s[0].scale = half_bits(v.x & 0xffffu, form), s[1].scale = half_bits(v.y & 0xffffu, form);
    s[0].offset = s[0].scale * half_bits(v.x >> 16, form), s[1].offset = s[1].scale * half_bits(v.y >> 16, form);
  } else {
    const uint32_t v = reinterpret_cast<const uint32_t*>(granule)[g];
    s[0] = {half_bits(v & 0xffffu, form), 0.f}, s[1] = {half_bits(v >> 16, form), 0.f};
  }
}

// Operand A of product j of a block, as bf16, exact: three shifts, four (a & b) | c and four subtractions for eight weights
// of 4 bits; two shifts, eight and four of 8 bits. 128 + v has its bits in the significand of a bf16.
template <int BITS>
__device__ __forceinline__ void operand(uint32_t (&a)[4], const uint4 (&block)[BITS / 4], int j) {
  if constexpr (BITS == 4) {
    const uint32_t w = j == 0 ? block[0].x : j == 1 ? block[0].y : j == 2 ? block[0].z : block[0].w;
#pragma unroll
    for (int i = 0; i < 4; i++) a[i] = add_bf16x2((w >> 4 * i & 0x000f000fu) | 0x43004300u, 0xc308c308u);  // - 136
  } else {
    const uint4 p = block[j >> 1];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t w = ((j & 1) ? (i >> 1 ? p.w : p.z) : (i >> 1 ? p.y : p.x)) >> 8 * (i & 1);
      // The sign: -128, or with its bit in the exponent -256.
      a[i] = add_bf16x2((w & 0x007f007fu) | 0x43004300u, (w & 0x00800080u) | 0xc300c300u);
    }
  }
}

}  // namespace ints
