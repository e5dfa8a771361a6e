// What the two attention families share: tensor-core tiles (m16n8k16), ldmatrix, asynchronous copies, base-2 softmax.
#pragma once
#include "common.cuh"

namespace attention {

constexpr int CHUNK = 16;  // keys that always lie together in one block of the cache
constexpr float LOG2E = 1.4426950408889634f;
constexpr float NEG_INF = -INFINITY;

// One row of a K, V or Q tile in shared memory: 16 bytes of padding make the number of 16-byte parts odd, so the eight
// rows of an ldmatrix lie in eight different banks, for every head dimension and with constant offsets.
template <int D>
constexpr int PITCH = 2 * D + 16;

using namespace ptx;

__device__ __forceinline__ uint32_t pack2(float lo, float hi) {
  bf162 v = __floats2bfloat162_rn(lo, hi);
  return *reinterpret_cast<uint32_t*>(&v);
}

// A raw dot product as a logit in base 2. tanh from one exponential: tanh.approx is too coarse times the cap.
__device__ __forceinline__ float logit2(float dot, float scale, float softCap) {
  if (softCap > 0.f) {
    float x = dot * scale / softCap;
    return softCap * LOG2E * __fsub_rn(1.f, __fdividef(2.f, __fadd_rn(exp2_fast(2.f * LOG2E * x), 1.f)));
  }
  return dot * (scale * LOG2E);
}

// Maximum over the four lanes that hold one row of an accumulator tile.
__device__ __forceinline__ float quad_max(float v) {
  v = fmaxf(v, __shfl_xor_sync(FULL_WARP, v, 1));
  return fmaxf(v, __shfl_xor_sync(FULL_WARP, v, 2));
}

__device__ __forceinline__ float quad_sum(float v) {
  v += __shfl_xor_sync(FULL_WARP, v, 1);
  return v + __shfl_xor_sync(FULL_WARP, v, 2);
}

// One over the softmax denominator, the sink included; (m, l) maximum and sum in base 2.
__device__ __forceinline__ float inverse_sum(float m, float l, const float* sinks, int h, float& factor) {
  factor = 1.f;
  if (sinks) {
    float s = __fmul_rn(sinks[h], LOG2E), top = fmaxf(m, s);
    factor = exp2_fast(m - top);
    l = fmaf(l, factor, exp2_fast(s - top));
  }
  return l > 0.f ? factor / l : 0.f;
}

}  // namespace attention
