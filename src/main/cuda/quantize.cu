// Formula: x ≈ (q − zero) · s. Dynamic: s = max |x| / 448 (e4m3) or / 127 (int8) of the row or of 128 columns of it, 1 where the
//   maximum is 0; int8 with a zero point: s = (max − min) / 255 with 0 in between, zero = round(−128 − min / s); fixed: s and
//   zero are given. q = x / s, + zero, to the nearest code, ties to even, beyond the range the last code.
// Shapes: x bf16 rows of xStride elements, K of them used; codes one byte, rows of codeStride >= K, zero behind K; scales f32 and
//   zeros int32 [numRows], in groups: scales [ceil(K / 128), scaleStride].
// Numerics: x / s is rounded as a division is. A row (group) with NaN or infinity gets the scale NaN, so its products are NaN;
//   a fixed scale becomes NaN for rows with NaN only, infinity becomes the last code.
// Launch: rows: grid = numRows, block = clamp(ceil(codeStride / 8) up to a multiple of 32, 64, 1024); groups: grid =
//   (ceil(codeStride / 1024), min(numRows, 65535)), block 128. codeStride a multiple of 8, codes 8-byte aligned; fastest with x
//   16-byte aligned and xStride a multiple of 8. No dynamic shared memory.
// Bound: 3 bytes an element.
#pragma once
#include "e4m3.cuh"

namespace quantize {

constexpr float E4M3_MAX = 448.f, INT8_MAX_CODE = 127.f;
constexpr uint32_t INFINITE = 0x7f800000u;

// v / s as a division rounds it, in three operations: with a correctly rounded inverse one correction is enough (Markstein),
// as long as nothing is subnormal.
struct Divisor {
  float s, inverse;
  bool normal;
  __device__ __forceinline__ explicit Divisor(float s)
      : s(s), inverse(__fdiv_rn(1.f, s)), normal(s > 0x1p-64f && s < 0x1p96f) {}
  __device__ __forceinline__ float operator()(float v) const {
    if (!normal) return __fdiv_rn(v, s);
    const float q = __fmul_rn(v, inverse), size = fabsf(q);
    // What is too small for every code stays as it is, and so do infinity and NaN.
    return size > 0x1p-20f && size < 0x1p120f ? __fmaf_rn(__fmaf_rn(-q, s, v), inverse, q) : q;
  }
};

// Eight elements from i on; zeros from `end` on.
__device__ __forceinline__ void load(float (&v)[8], const bf16* x, int i, int end, bool vectors) {
  if (vectors && i + 8 <= end) {
    unpack8(load8(x + i), v);
  } else {
#pragma unroll
    for (int j = 0; j < 8; j++) v[j] = i + j < end ? __bfloat162float(x[i + j]) : 0.f;
  }
}

__device__ __forceinline__ bool in_vectors(const bf16* x, int xStride) { return xStride % 8 == 0 && ((uintptr_t)x & 15) == 0; }

// As bits: NaN is above infinity, which is above everything.
__device__ __forceinline__ uint32_t largest(const float (&v)[8]) {
  uint32_t m = 0;
#pragma unroll
  for (int j = 0; j < 8; j++) m = max(m, __float_as_uint(v[j]) & 0x7fffffffu);
  return m;
}

__device__ __forceinline__ uint2 e4m3_codes(const float (&v)[8], const Divisor& divide) {
  uint32_t pair[4];
#pragma unroll
  for (int j = 0; j < 4; j++) pair[j] = e4m3x2_of(divide(v[2 * j]), divide(v[2 * j + 1]));
  return make_uint2(pair[0] | pair[1] << 16, pair[2] | pair[3] << 16);
}

__device__ __forceinline__ uint2 int8_codes(const float (&v)[8], const Divisor& divide, int zero) {
  uint32_t word[2] = {0, 0};
#pragma unroll
  for (int j = 0; j < 8; j++) {
    const int q = __float2int_rn(fminf(fmaxf(divide(v[j]), -1024.f), 1024.f)) + zero;
    word[j >> 2] |= (uint32_t)(min(max(q, -128), 127) & 255) << (j & 3) * 8;
  }
  return make_uint2(word[0], word[1]);
}

struct Extent {
  uint32_t size;    // largest magnitude, as bits
  float low, high;  // with 0 in between
};

__device__ __forceinline__ void widen(Extent& e, const float (&v)[8]) {
  e.size = max(e.size, largest(v));
#pragma unroll
  for (int j = 0; j < 8; j++) e.low = fminf(e.low, v[j]), e.high = fmaxf(e.high, v[j]);
}

// The same in every thread of the block.
__device__ __forceinline__ Extent of_block(Extent e) {
  __shared__ Extent scratch[32];
  const int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
  auto reduce = [&] {
    e.size = __reduce_max_sync(FULL_WARP, e.size);
#pragma unroll
    for (int o = WARP / 2; o; o >>= 1) {
      e.low = fminf(e.low, __shfl_xor_sync(FULL_WARP, e.low, o));
      e.high = fmaxf(e.high, __shfl_xor_sync(FULL_WARP, e.high, o));
    }
  };
  reduce();
  if (lane == 0) scratch[threadIdx.x >> 5] = e;
  __syncthreads();
  e = lane < warps ? scratch[lane] : Extent{0, 0.f, 0.f};
  reduce();
  return e;
}

enum Zero { NONE, MADE, GIVEN };

struct Choice {
  float scale;  // NaN's row: 1
  int zero;
  bool valid;
};

// fixedScale 0: dynamic.
__device__ __forceinline__ Choice choose(const Extent& extent, bool integers, Zero kind, float fixedScale, int fixedZero) {
  if (fixedScale != 0.f) return {fixedScale, kind == GIVEN ? fixedZero : 0, extent.size <= INFINITE};
  if (extent.size >= INFINITE) return {1.f, 0, false};
  const float range = kind == MADE ? __fsub_rn(extent.high, extent.low) : __uint_as_float(extent.size);
  const float scale = extent.size == 0 ? 1.f : __fdiv_rn(range, kind == MADE ? 255.f : integers ? INT8_MAX_CODE : E4M3_MAX);
  const float zero = kind == MADE ? rintf(__fsub_rn(-128.f, __fdiv_rn(extent.low, scale))) : 0.f;
  return {scale, (int)fminf(fmaxf(zero, -128.f), 127.f), true};
}

// One row by one block; eight values a thread stay in registers, rows of more than 8 · blockDim are read twice. INT8: codes are
// integers, else e4m3.
template <bool INT8, Zero ZERO>
__device__ __forceinline__ void row(unsigned char* codes, float* scales, int* zeros, const bf16* x, int K, int codeStride,
                                    int xStride, float fixedScale, int fixedZero) {
  let_next_start();
  wait_for_previous();
  const long r = blockIdx.x;
  const bool vectors = in_vectors(x, xStride);
  x += r * xStride;
  codes += r * codeStride;
  const int step = 8 * blockDim.x, first = 8 * threadIdx.x;
  float kept[8];
  Extent extent = {0, 0.f, 0.f};
  if (first < codeStride) {
    load(kept, x, first, K, vectors);
    widen(extent, kept);
  }
  for (int i = first + step; i < K; i += step) {
    float v[8];
    load(v, x, i, K, vectors);
    widen(extent, v);
  }
  extent = of_block(extent);
  const Choice choice = choose(extent, INT8, ZERO, fixedScale, fixedZero);
  const int zero = choice.zero;
  const Divisor divide(choice.scale);
  if (threadIdx.x == 0) {
    scales[r] = choice.valid ? choice.scale : __uint_as_float(0x7fffffffu);
    if (ZERO != NONE) zeros[r] = zero;
  }
  for (int i = first; i < codeStride; i += step) {
    if (i > first) load(kept, x, i, K, vectors);
    *reinterpret_cast<uint2*>(codes + i) = INT8 ? int8_codes(kept, divide, zero) : e4m3_codes(kept, divide);
  }
}

}  // namespace quantize

// fixedScale 0: dynamic.
extern "C" __global__ void __launch_bounds__(1024)
    quantize_e4m3(unsigned char* codes, float* scales, const bf16* x, int K, int codeStride, int xStride, float fixedScale) {
  quantize::row<false, quantize::NONE>(codes, scales, nullptr, x, K, codeStride, xStride, fixedScale, 0);
}

extern "C" __global__ void __launch_bounds__(1024)
    quantize_int8(unsigned char* codes, float* scales, const bf16* x, int K, int codeStride, int xStride, float fixedScale) {
  quantize::row<true, quantize::NONE>(codes, scales, nullptr, x, K, codeStride, xStride, fixedScale, 0);
}

extern "C" __global__ void __launch_bounds__(1024)
    quantize_int8_zero(unsigned char* codes, float* scales, int* zeros, const bf16* x, int K, int codeStride, int xStride) {
  quantize::row<true, quantize::MADE>(codes, scales, zeros, x, K, codeStride, xStride, 0.f, 0);
}

extern "C" __global__ void __launch_bounds__(1024)
    quantize_int8_fixed_zero(unsigned char* codes, float* scales, int* zeros, const bf16* x, int K, int codeStride, int xStride,
                             float fixedScale, int fixedZero) {
  quantize::row<true, quantize::GIVEN>(codes, scales, zeros, x, K, codeStride, xStride, fixedScale, fixedZero);
}

// Sixteen lanes make the 128 codes of a group.
extern "C" __global__ void __launch_bounds__(128)
    quantize_e4m3_groups(unsigned char* codes, float* scales, const bf16* x, int K, int codeStride, int xStride,
                         int scaleStride, int numRows) {
  using namespace quantize;
  let_next_start();
  wait_for_previous();
  const bool vectors = in_vectors(x, xStride);
  const int i = 8 * (blockIdx.x * blockDim.x + threadIdx.x);
  for (int r = blockIdx.y; r < numRows; r += gridDim.y) {
    float v[8];
    load(v, x + (long)r * xStride, i, K, vectors);
    uint32_t size = largest(v);
#pragma unroll
    for (int o = 8; o; o >>= 1) size = max(size, __shfl_xor_sync(FULL_WARP, size, o));
    const float scale = size == 0 || size >= INFINITE ? 1.f : __fdiv_rn(__uint_as_float(size), E4M3_MAX);
    if (i < codeStride) {
      if (i % 128 == 0 && i < K) scales[(long)(i / 128) * scaleStride + r] = size < INFINITE ? scale : __uint_as_float(0x7fffffffu);
      *reinterpret_cast<uint2*>(codes + (long)r * codeStride + i) = e4m3_codes(v, Divisor(scale));
    }
  }
}
