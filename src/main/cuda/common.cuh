// What every kernel family shares: programmatic dependent launch, warp and block reductions, 16-byte vectors, bf16.
#pragma once
#include <cuda_bf16.h>
#include <stdint.h>
#include "ptx.cuh"

typedef __nv_bfloat16 bf16;
typedef __nv_bfloat162 bf162;

constexpr unsigned FULL_WARP = 0xffffffffu;
constexpr int WARP = 32;

// Programmatic dependent launch. Rules for every kernel: call let_next_start() at the beginning; touch nothing that an
// earlier kernel of the stream writes (activations, caches, step inputs) before wait_for_previous(); every thread calls
// wait_for_previous() before it returns, or a kernel two behind could start too early. Weights may be read before the
// wait. Both are no-ops when the kernel was launched without the attribute, and before sm_90.
__device__ __forceinline__ void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

__device__ __forceinline__ void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int o = WARP / 2; o; o >>= 1) v += __shfl_xor_sync(FULL_WARP, v, o);
  return v;
}

__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
  for (int o = WARP / 2; o; o >>= 1) v = fmaxf(v, __shfl_xor_sync(FULL_WARP, v, o));
  return v;
}

// Sum over the block, the same in every thread and in the same order whatever the grid; blockDim.x is a multiple of 32.
// `scratch` holds 32 floats and may be used again after the next __syncthreads().
__device__ __forceinline__ float block_sum(float v, float* scratch) {
  v = warp_sum(v);
  if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = v;
  __syncthreads();
  float t = (threadIdx.x & 31) < (blockDim.x >> 5) ? scratch[threadIdx.x & 31] : 0.f;
  return warp_sum(t);
}

// Eight bf16 in one 16-byte access.
union Bf16x8 {
  uint4 raw;
  bf162 pair[4];
  __device__ __forceinline__ Bf16x8() {}
  __device__ __forceinline__ Bf16x8(const Bf16x8& v) : raw(v.raw) {}
  __device__ __forceinline__ Bf16x8& operator=(const Bf16x8& v) {
    raw = v.raw;
    return *this;
  }
};

__device__ __forceinline__ Bf16x8 load8(const bf16* p) {
  Bf16x8 v;
  v.raw = *reinterpret_cast<const uint4*>(p);
  return v;
}

// For weights that are read once: past the caches.
__device__ __forceinline__ Bf16x8 load8_stream(const bf16* p) {
  Bf16x8 v;
  v.raw = __ldcs(reinterpret_cast<const uint4*>(p));
  return v;
}

__device__ __forceinline__ void store8(bf16* p, const Bf16x8& v) { *reinterpret_cast<uint4*>(p) = v.raw; }

__device__ __forceinline__ void unpack8(const Bf16x8& v, float (&f)[8]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    float2 t = __bfloat1622float2(v.pair[i]);
    f[2 * i] = t.x;
    f[2 * i + 1] = t.y;
  }
}

__device__ __forceinline__ Bf16x8 pack8(const float (&f)[8]) {
  Bf16x8 v;
#pragma unroll
  for (int i = 0; i < 4; i++) v.pair[i] = __floats2bfloat162_rn(f[2 * i], f[2 * i + 1]);
  return v;
}
