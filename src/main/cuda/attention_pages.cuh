// The two forms of K and V in the pages, and how fragments of tensor-core tiles come out of them: bf16 as it is, with Q and
// the probabilities in bf16; and FP8 E4M3, which becomes f16 exactly, with Q and the probabilities in f16 (larger queries
// than f16 holds become its largest number).
#pragma once
#include "attention_mma.cuh"
#include "e4m3.cuh"

namespace attention {

// 16 rows of K or V, contiguous in the cache, to shared memory; rows outside [low, high) become zeros: they may hold NaN.
template <int D, typename T, int TO_PITCH, bool FULL>
__device__ __forceinline__ void copy_rows(uint32_t to, const T* from, int lane, int low, int high) {
  constexpr int PER_PART = 16 / sizeof(T), PARTS = D / PER_PART, ALL = CHUNK * PARTS;
#pragma unroll
  for (int i = 0; i < (ALL + WARP - 1) / WARP; i++) {
    int c = lane + i * WARP, row = c / PARTS;
    if (ALL % WARP && c >= ALL) break;
    uint32_t at = to + row * TO_PITCH + c % PARTS * 16;
    if (FULL) copy16(at, from + c * PER_PART);
    else copy16_or_zero(at, from + c * PER_PART, row >= low && row < high);
  }
}

template <int D>
struct Bf16Pages {
  typedef bf16 Element;
  static constexpr bool FP8 = false;
  static constexpr int PITCH = attention::PITCH<D>;  // bytes of a row of K or V in shared memory
  static constexpr int STEP = 1;                     // fragments of 16 dimensions in one load

  // Where a lane's loads begin within 16 rows.
  static __device__ __forceinline__ uint32_t key_lane(int lane) {
    return ((lane >> 4) * 8 + (lane & 7)) * PITCH + (lane >> 3 & 1) * 16;
  }
  static __device__ __forceinline__ uint32_t value_lane(int lane) { return (lane & 15) * PITCH + (lane >> 4) * 16; }

  // 16 keys by dimensions [16k, 16k + 16): b[0] holds the fragments of the first eight keys, then of the others.
  static __device__ __forceinline__ void keys(uint32_t (&b)[STEP][4], uint32_t at, int k, int) { ldmatrix4(b[0], at + k * 32); }
  // The same of values: of the first eight columns of the product, then of the others.
  static __device__ __forceinline__ void values(uint32_t (&b)[STEP][4], uint32_t at, int k, int) {
    ldmatrix4_trans(b[0], at + k * 32);
  }
  static __device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    mma(c, a, b0, b1);
  }
  static __device__ __forceinline__ uint32_t pack(float lo, float hi) { return pack2(lo, hi); }

  // Eight dimensions of a query, from part · 8, into its row.
  static __device__ __forceinline__ void put_query(unsigned char* row, int part, uint4 v) {
    *reinterpret_cast<uint4*>(row + part * 16) = v;
  }

  // A lane's four of 16 columns of a row of the result; x, y: its elements of the first and of the second product.
  static __device__ __forceinline__ void put_result(float* to, float x0, float x1, float y0, float y1, int lane) {
    *reinterpret_cast<float2*>(to + (lane & 3) * 2) = make_float2(x0, x1);
    *reinterpret_cast<float2*>(to + 8 + (lane & 3) * 2) = make_float2(y0, y1);
  }
  static __device__ __forceinline__ void put_output(unsigned char* to, float x0, float x1, float y0, float y1, int lane) {
    *reinterpret_cast<uint32_t*>(to + (lane & 3) * 4) = pack2(x0, x1);
    *reinterpret_cast<uint32_t*>(to + 16 + (lane & 3) * 4) = pack2(y0, y1);
  }
};

// An 8 × 8 matrix of 16-bit elements is one of 8 × 16 codes here, so a load brings 32 dimensions, and a lane gets four
// neighbouring ones where the fragments of two products want two each. The order of dimensions within 16 is free as long as
// Q has the same: dimension 4c + i of a group of 16 is element 2c + i of the fragments' first half for i < 2, of its second
// else. For V it is the columns of the result that come in such an order.
template <int D>
struct Fp8Pages {
  typedef e4m3 Element;
  static constexpr bool FP8 = true;
  static constexpr int PITCH = D + (D / 16 % 2 == 0 ? 16 : 0);  // an odd number of 16-byte parts: no bank conflicts
  static constexpr int STEP = 2;

  static __device__ __forceinline__ uint32_t key_lane(int lane) { return (lane & 15) * PITCH + (lane >> 4) * 16; }
  static __device__ __forceinline__ uint32_t value_lane(int lane) { return key_lane(lane); }

  // The upper dimensions' rows do not exist at the end of an odd number of groups: their lanes read the lower ones again.
  static __device__ __forceinline__ uint32_t step(uint32_t at, int k, int lane) {
    return at + k * 16 - (k + 1 < D / 16 ? 0 : (lane >> 4) * 16);
  }
  static __device__ __forceinline__ void keys(uint32_t (&b)[STEP][4], uint32_t at, int k, int lane) {
    uint32_t x[4];
    ldmatrix4(x, step(at, k, lane));
#pragma unroll
    for (int i = 0; i < 4; i++) {
      b[i / 2][i % 2 * 2] = lower_halves(x[i]);
      b[i / 2][i % 2 * 2 + 1] = upper_halves(x[i]);
    }
  }
  static __device__ __forceinline__ void values(uint32_t (&b)[STEP][4], uint32_t at, int k, int lane) {
    uint32_t x[4];
    ldmatrix4_trans(x, step(at, k, lane));
#pragma unroll
    for (int i = 0; i < 4; i++) {
      uint32_t pairs = __byte_perm(x[i], 0, 0x3120);  // of two keys and two columns: by column
      b[i / 2][i % 2] = lower_halves(pairs);
      b[i / 2][2 + i % 2] = upper_halves(pairs);
    }
  }
  static __device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    mma_f16(c, a, b0, b1);
  }
  static __device__ __forceinline__ uint32_t pack(float lo, float hi) {
    const __half2 v = __floats2half2_rn(lo, hi);
    return *reinterpret_cast<const uint32_t*>(&v);
  }

  static __device__ __forceinline__ void put_query(unsigned char* row, int part, uint4 v) {
    const uint32_t from[4] = {v.x, v.y, v.z, v.w};
    uint32_t to[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float2 f = __bfloat1622float2(*reinterpret_cast<const bf162*>(&from[i]));
      to[i] = pack(fminf(fmaxf(f.x, -65504.f), 65504.f), fminf(fmaxf(f.y, -65504.f), 65504.f));
    }
    unsigned char* group = row + part / 2 * 32 + part % 2 * 8;
    *reinterpret_cast<uint2*>(group) = make_uint2(to[0], to[2]);
    *reinterpret_cast<uint2*>(group + 16) = make_uint2(to[1], to[3]);
  }

  static __device__ __forceinline__ void put_result(float* to, float x0, float x1, float y0, float y1, int lane) {
    *reinterpret_cast<float4*>(to + (lane & 3) * 4) = make_float4(x0, y0, x1, y1);
  }
  static __device__ __forceinline__ void put_output(unsigned char* to, float x0, float x1, float y0, float y1, int lane) {
    *reinterpret_cast<uint2*>(to + (lane & 3) * 8) = make_uint2(pack2(x0, y0), pack2(x1, y1));
  }
};

}  // namespace attention
