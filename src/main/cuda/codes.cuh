// What a lane multiplies in products with 8-bit weights: sixteen neighbouring k, 16 bytes, of two rows of w, 8 apart, with the
// same k of one row of x. In the mma the rows of w are those of A, the rows of x the columns of B; which k a register holds is
// free as long as both operands agree.
#pragma once
#include "e4m3.cuh"

namespace codes {

// Four codes as two pairs of bf16: exponent and significand move to their place, the missing bias is a factor of 2^120, which
// is exact for subnormals too. NaN codes become ±480.
__device__ __forceinline__ void bf16_of_e4m3(uint32_t four, uint32_t& low, uint32_t& high) {
  const bf162 factor = __halves2bfloat162(__float2bfloat16(0x1p120f), __float2bfloat16(0x1p120f));
  const uint32_t t0 = __byte_perm(four, 0, 0x1404), t1 = __byte_perm(four, 0, 0x3424);
  uint32_t raw[2] = {(t0 >> 4 & 0x07f007f0u) | (t0 & 0x80008000u), (t1 >> 4 & 0x07f007f0u) | (t1 & 0x80008000u)};
  bf162 v[2];
  memcpy(v, raw, 8);
  v[0] = __hmul2(v[0], factor);
  v[1] = __hmul2(v[1], factor);
  memcpy(raw, v, 8);
  low = raw[0];
  high = raw[1];
}

// Sixteen k of x, made ready once for many rows of w; of w, made ready for many rows of x.
template <int REGISTERS>
struct X {
  uint32_t r[REGISTERS];
};
template <int REGISTERS>
struct W {
  uint32_t r[REGISTERS];
};

// x and w in E4M3, multiplied as f16, which has all of their values.
struct E4m3 {
  typedef float Sum;
  static constexpr int X_BYTES = 1;
  typedef codes::X<8> X;
  typedef codes::W<16> W;

  static __device__ __forceinline__ X x_of(const uint4 (&raw)[1]) {
    const uint32_t word[4] = {raw[0].x, raw[0].y, raw[0].z, raw[0].w};
    X x;
#pragma unroll
    for (int i = 0; i < 4; i++) x.r[2 * i] = lower_halves(word[i]), x.r[2 * i + 1] = upper_halves(word[i]);
    return x;
  }
  static __device__ __forceinline__ W w_of(const uint4& row0, const uint4& row8) {
    const uint32_t a[4] = {row0.x, row0.y, row0.z, row0.w}, b[4] = {row8.x, row8.y, row8.z, row8.w};
    W w;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      w.r[4 * i] = lower_halves(a[i]), w.r[4 * i + 1] = lower_halves(b[i]);
      w.r[4 * i + 2] = upper_halves(a[i]), w.r[4 * i + 3] = upper_halves(b[i]);
    }
    return w;
  }
  static __device__ __forceinline__ void multiply(float (&c)[4], const W& w, const X& x) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t a[4] = {w.r[4 * i], w.r[4 * i + 1], w.r[4 * i + 2], w.r[4 * i + 3]};
      ptx::mma_f16(c, a, x.r[2 * i], x.r[2 * i + 1]);
    }
  }
};

// x in bf16 as it is, w in E4M3.
struct Bf16 {
  typedef float Sum;
  static constexpr int X_BYTES = 2;
  typedef codes::X<8> X;
  typedef codes::W<16> W;

  static __device__ __forceinline__ X x_of(const uint4 (&raw)[2]) {
    return {{raw[0].x, raw[0].y, raw[0].z, raw[0].w, raw[1].x, raw[1].y, raw[1].z, raw[1].w}};
  }
  static __device__ __forceinline__ W w_of(const uint4& row0, const uint4& row8) {
    const uint32_t a[4] = {row0.x, row0.y, row0.z, row0.w}, b[4] = {row8.x, row8.y, row8.z, row8.w};
    W w;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      bf16_of_e4m3(a[i], w.r[4 * i], w.r[4 * i + 2]);
      bf16_of_e4m3(b[i], w.r[4 * i + 1], w.r[4 * i + 3]);
    }
    return w;
  }
  static __device__ __forceinline__ void multiply(float (&c)[4], const W& w, const X& x) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t a[4] = {w.r[4 * i], w.r[4 * i + 1], w.r[4 * i + 2], w.r[4 * i + 3]};
      ptx::mma(c, a, x.r[2 * i], x.r[2 * i + 1]);
    }
  }
};

// x and w in signed bytes: the sums are exact.
struct Int8 {
  typedef int Sum;
  static constexpr int X_BYTES = 1;
  typedef codes::X<4> X;
  typedef codes::W<8> W;

  static __device__ __forceinline__ X x_of(const uint4 (&raw)[1]) { return {{raw[0].x, raw[0].y, raw[0].z, raw[0].w}}; }
  static __device__ __forceinline__ W w_of(const uint4& row0, const uint4& row8) {
    return {{row0.x, row8.x, row0.y, row8.y, row0.z, row8.z, row0.w, row8.w}};
  }
  static __device__ __forceinline__ void multiply(int (&c)[4], const W& w, const X& x) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const uint32_t a[4] = {w.r[4 * i], w.r[4 * i + 1], w.r[4 * i + 2], w.r[4 * i + 3]};
      ptx::mma_s8(c, a, x.r[2 * i], x.r[2 * i + 1]);
    }
  }
};

// The factors of a product, all on the device.
struct Scales {
  const float* w;     // [N]; in groups: [ceil(N / wRows), wStride]
  const float* x;     // [M]; in groups: [ceil(K / 128), xStride], xStride 0 when all groups share a row's; null: 1
  const int* zeros;   // of integers, the zero point of each row of x; null: 0
  const int* sums;    // and the sum of each row of w
  const float* bias;  // [N], or null
  int wRows, wStride, xStride;

  __device__ __forceinline__ float of_w(int n) const { return w[n]; }
  __device__ __forceinline__ float of_w(int n, int group) const { return w[(long)(n / wRows) * wStride + group]; }
  __device__ __forceinline__ float of_x(int m) const { return x ? x[m] : 1.f; }
  __device__ __forceinline__ float of_x(int m, int group) const { return x ? x[(long)group * xStride + m] : 1.f; }

  // The result from a sum in which no group's factors are yet, or all when GROUPED.
  template <bool GROUPED>
  __device__ __forceinline__ float result(float sum, int m, int n) const {
    const float addend = bias ? bias[n] : 0.f;
    return GROUPED ? __fadd_rn(sum, addend) : __fmaf_rn(sum, __fmul_rn(of_w(n), of_x(m)), addend);
  }
  template <bool GROUPED>
  __device__ __forceinline__ float result(int sum, int m, int n) const {
    const int exact = zeros ? sum - zeros[m] * sums[n] : sum;
    return __fmaf_rn((float)exact, __fmul_rn(of_w(n), of_x(m)), bias ? bias[n] : 0.f);
  }
};

template <typename T>
__device__ __forceinline__ T rounded(float v) {
  return v;
}
template <>
__device__ __forceinline__ bf16 rounded<bf16>(float v) {
  return __float2bfloat16(v);
}

}  // namespace codes
