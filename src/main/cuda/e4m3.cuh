// FP8 E4M3 (fn: no infinities, 0x7f and 0xff are NaN, at most ±448): conversions of two and four at a time.
#pragma once
#include <cuda_fp16.h>
#include "common.cuh"

typedef unsigned char e4m3;

// What cards before sm_89 compute; the tests compare it with the instructions' results for every code.
namespace e4m3_arithmetic {

// Bytes 0 and 1 of `four`, or 2 and 3, as two halves: the exponent moves to its place, the missing bias is a factor of 2^8,
// which is exact for subnormals too.
template <bool UPPER>
__device__ __forceinline__ uint32_t halves(uint32_t four) {
  const uint32_t t = __byte_perm(four, 0, UPPER ? 0x3424 : 0x1404);  // each in the upper byte of a half
  const uint32_t raw = (t >> 1 & 0x3f803f80u) | (t & 0x80008000u), factor = 0x5c005c00u;
  __half2 v = __hmul2(*reinterpret_cast<const __half2*>(&raw), *reinterpret_cast<const __half2*>(&factor));
  const uint32_t nan = ((t & 0x7f007f00u) + 0x01000100u) & 0x80008000u;
  return *reinterpret_cast<uint32_t*>(&v) | (nan - (nan >> 6));
}

// To the nearest, ties to even; beyond ±448 becomes ±448, NaN stays NaN.
__device__ __forceinline__ uint32_t byte_of(float x) {
  const uint32_t bits = __float_as_uint(x), sign = bits >> 24 & 0x80, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7f;
  if (magnitude >= 0x43e00000) return sign | 0x7e;
  // A float from 2^14 on counts in steps of 2^-9, as subnormals do: adding it rounds.
  if (magnitude < 0x3c800000) return sign | (__float_as_uint(__fadd_rn(__uint_as_float(magnitude), 16384.f)) - 0x46800000);
  return sign | (magnitude - (120u << 23) + 0x7ffff + (magnitude >> 20 & 1)) >> 20;
}

}  // namespace e4m3_arithmetic

#if defined(QUIRE_EMULATED) || __CUDA_ARCH__ >= 890
__device__ __forceinline__ uint32_t lower_halves(uint32_t four) { return ptx::halves_of_e4m3x2((uint16_t)four); }
__device__ __forceinline__ uint32_t upper_halves(uint32_t four) { return ptx::halves_of_e4m3x2((uint16_t)(four >> 16)); }
__device__ __forceinline__ uint32_t e4m3x2_of(float lo, float hi) { return ptx::e4m3x2_of(lo, hi); }
#else
__device__ __forceinline__ uint32_t lower_halves(uint32_t four) { return e4m3_arithmetic::halves<false>(four); }
__device__ __forceinline__ uint32_t upper_halves(uint32_t four) { return e4m3_arithmetic::halves<true>(four); }
__device__ __forceinline__ uint32_t e4m3x2_of(float lo, float hi) {
  return e4m3_arithmetic::byte_of(lo) | e4m3_arithmetic::byte_of(hi) << 8;
}
#endif

__device__ __forceinline__ float e4m3_to_float(e4m3 code) {
  const uint32_t two = lower_halves(code);
  return __low2float(*reinterpret_cast<const __half2*>(&two));
}

// Codes of v / scale.
__device__ __forceinline__ uint2 e4m3x8_of(const float (&v)[8], float scale) {
  uint32_t pair[4];
#pragma unroll
  for (int i = 0; i < 4; i++) pair[i] = e4m3x2_of(__fdiv_rn(v[2 * i], scale), __fdiv_rn(v[2 * i + 1], scale));
  return make_uint2(pair[0] | pair[1] << 16, pair[2] | pair[3] << 16);
}
