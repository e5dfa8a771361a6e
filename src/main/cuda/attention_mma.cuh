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

__device__ __forceinline__ uint32_t shared_address(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }

__device__ __forceinline__ void ldmatrix4(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

__device__ __forceinline__ void ldmatrix4_trans(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

__device__ __forceinline__ void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ void copy16(uint32_t to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}

// Writes zeros and reads nothing when `valid` is false.
__device__ __forceinline__ void copy16_or_zero(uint32_t to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0) : "memory");
}

__device__ __forceinline__ void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

template <int N>
__device__ __forceinline__ void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

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

// Copies 16 rows of K or V, contiguous in the cache; rows outside [low, high) become zeros: they may hold NaN.
template <int D, bool FULL>
__device__ __forceinline__ void copy_rows(uint32_t to, const bf16* from, int lane, int low, int high) {
  constexpr int PARTS = D / 8;
#pragma unroll
  for (int i = 0; i < CHUNK * PARTS / WARP; i++) {
    int c = lane + i * WARP, row = c / PARTS;
    uint32_t at = to + row * PITCH<D> + c % PARTS * 16;
    if (FULL) copy16(at, from + c * 8);
    else copy16_or_zero(at, from + c * 8, row >= low && row < high);
  }
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
