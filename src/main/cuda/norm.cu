// Formula: out = x / sqrt(mean(x²) + eps) · weight; with add: residual += delta · deltaScale first, x = residual.
// Shapes: x and residual f32 [rows, hidden], delta and out bf16 [rows, hidden] (out may be delta), weight f32 [hidden];
//   heads and wide: bf16 rows of rowStride elements, head h at column + h · headDim, weight f32 [headDim], in place.
//   add: out bf16 and residual f32 [n], delta bf16 [n] or null; residual += delta · deltaScale, out = residual.
// Numerics: f32 throughout, one rounding to bf16. The order of the sum depends on hidden and blockDim, never on the rows.
// Launch: grid = rows, block = clamp(ceil(hidden / 8) up to a multiple of 32, 64, 1024), no dynamic shared memory; 16-byte
//   aligned pointers when hidden % 8 == 0. Heads: grid = ceil(numRows · numHeads / 4), block = 128; headDim even, <= 512,
//   column and rowStride even. Wide, for headDim > 512: grid = numRows · numHeads, block as for rows. Add: any geometry.
// Bound: bytes: 6 · hidden a row, with add 12 · hidden; at one row the latency of one load, one reduction, one store.
// Source: Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
#pragma once
#include "common.cuh"

namespace rms {

struct F8 {
  float v[8];
};

__device__ __forceinline__ F8 load_f8(const float* p) {
  float4 a = reinterpret_cast<const float4*>(p)[0], b = reinterpret_cast<const float4*>(p)[1];
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

__device__ __forceinline__ void store_f8(float* p, const F8& x) {
  reinterpret_cast<float4*>(p)[0] = make_float4(x.v[0], x.v[1], x.v[2], x.v[3]);
  reinterpret_cast<float4*>(p)[1] = make_float4(x.v[4], x.v[5], x.v[6], x.v[7]);
}

__device__ __forceinline__ float square_sum(const F8& x, float sum) {
#pragma unroll
  for (int i = 0; i < 8; i++) sum = fmaf(x.v[i], x.v[i], sum);
  return sum;
}

__device__ __forceinline__ void scale_store(bf16* p, const F8& x, float r, const F8& w) {
  float y[8];
#pragma unroll
  for (int i = 0; i < 8; i++) y[i] = x.v[i] * r * w.v[i];
  store8(p, pack8(y));
}

template <bool ADD>
__device__ __forceinline__ F8 load_row(float* x, const bf16* delta, float deltaScale) {
  F8 v = load_f8(x);
  if (ADD) {
    float d[8];
    unpack8(load8(delta), d);
#pragma unroll
    for (int i = 0; i < 8; i++) v.v[i] = fmaf(d[i], deltaScale, v.v[i]);
  }
  return v;
}

// For ADD, x is the residual, which is written; otherwise it is only read.
template <bool ADD>
__device__ __forceinline__ void row_norm(bf16* out, float* x, const bf16* delta, float deltaScale, const float* weight,
                                         float eps, int hidden) {
  __shared__ float scratch[32];
  let_next_start();
  const long row = (long)blockIdx.x * hidden;
  x += row;
  out += row;
  if (ADD) delta += row;
  float sum = 0.f;
  if (hidden & 7) {  // rows start anywhere: element by element, each thread reads back what it wrote
    wait_for_previous();
#pragma unroll 1
    for (int i = threadIdx.x; i < hidden; i += blockDim.x) {
      float v = x[i];
      if (ADD) x[i] = v = fmaf(__bfloat162float(delta[i]), deltaScale, v);
      sum = fmaf(v, v, sum);
    }
    const float r = rsqrtf(block_sum(sum, scratch) / hidden + eps);
#pragma unroll 1
    for (int i = threadIdx.x; i < hidden; i += blockDim.x) out[i] = __float2bfloat16(x[i] * r * weight[i]);
    return;
  }
  // Eight values a thread stay in registers; rows of more than 8192 read the rest twice.
  const int step = 8 * blockDim.x, first = 8 * threadIdx.x;
  F8 kept, w;
  if (first < hidden) w = load_f8(weight + first);
  wait_for_previous();
  if (first < hidden) {
    kept = load_row<ADD>(x + first, delta + first, deltaScale);
    sum = square_sum(kept, sum);
  }
#pragma unroll 1
  for (int i = first + step; i < hidden; i += step) {
    F8 v = load_row<ADD>(x + i, delta + i, deltaScale);
    if (ADD) store_f8(x + i, v);
    sum = square_sum(v, sum);
  }
  const float r = rsqrtf(block_sum(sum, scratch) / hidden + eps);
  if (first < hidden) {
    scale_store(out + first, kept, r, w);
    if (ADD) store_f8(x + first, kept);
  }
#pragma unroll 1
  for (int i = first + step; i < hidden; i += step) scale_store(out + i, load_f8(x + i), r, load_f8(weight + i));
}

}  // namespace rms

extern "C" __global__ void __launch_bounds__(1024, 1)
    rms_norm_bf16(bf16* out, const float* x, const float* weight, float eps, int hidden) {
  rms::row_norm<false>(out, const_cast<float*>(x), nullptr, 0.f, weight, eps, hidden);
}

extern "C" __global__ void __launch_bounds__(1024, 1)
    add_rms_norm_bf16(bf16* out, float* residual, const bf16* delta, float deltaScale, const float* weight, float eps,
                      int hidden) {
  rms::row_norm<true>(out, residual, delta, deltaScale, weight, eps, hidden);
}

// One warp per head, the head in registers.
extern "C" __global__ void __launch_bounds__(128)
    rms_norm_heads_bf16(bf16* x, int column, int numHeads, int headDim, int rowStride, const float* weight, float eps,
                        int numRows) {
  constexpr int PAIRS = 8;
  let_next_start();
  const int lane = threadIdx.x & 31, pairs = headDim >> 1;
  const long head = (long)blockIdx.x * 4 + (threadIdx.x >> 5);
  const bool valid = head < (long)numRows * numHeads;
  float2 w[PAIRS], v[PAIRS];
#pragma unroll
  for (int j = 0; j < PAIRS; j++)
    if (lane + 32 * j < pairs) w[j] = reinterpret_cast<const float2*>(weight)[lane + 32 * j];
  wait_for_previous();
  if (!valid) return;
  bf162* p = reinterpret_cast<bf162*>(x + head / numHeads * rowStride + column + (int)(head % numHeads) * headDim);
  float sum = 0.f;
#pragma unroll
  for (int j = 0; j < PAIRS; j++)
    if (lane + 32 * j < pairs) {
      v[j] = __bfloat1622float2(p[lane + 32 * j]);
      sum = fmaf(v[j].x, v[j].x, fmaf(v[j].y, v[j].y, sum));
    }
  const float r = rsqrtf(warp_sum(sum) / headDim + eps);
#pragma unroll
  for (int j = 0; j < PAIRS; j++)
    if (lane + 32 * j < pairs) p[lane + 32 * j] = __floats2bfloat162_rn(v[j].x * r * w[j].x, v[j].y * r * w[j].y);
}

// One block per head, which is read twice; each thread writes what it has read.
extern "C" __global__ void __launch_bounds__(1024, 1)
    rms_norm_wide_bf16(bf16* x, int column, int numHeads, int headDim, int rowStride, const float* weight, float eps) {
  __shared__ float scratch[32];
  let_next_start();
  wait_for_previous();
  const long row = blockIdx.x / numHeads;
  bf162* p = reinterpret_cast<bf162*>(x + row * rowStride + column + (long)(blockIdx.x % numHeads) * headDim);
  const float2* w = reinterpret_cast<const float2*>(weight);
  const int pairs = headDim >> 1;
  float sum = 0.f;
  for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
    const float2 v = __bfloat1622float2(p[i]);
    sum = fmaf(v.x, v.x, fmaf(v.y, v.y, sum));
  }
  const float r = rsqrtf(block_sum(sum, scratch) / headDim + eps);
  for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
    const float2 v = __bfloat1622float2(p[i]), s = w[i];
    p[i] = __floats2bfloat162_rn(v.x * r * s.x, v.y * r * s.y);
  }
}

extern "C" __global__ void __launch_bounds__(256)
    add_bf16(bf16* out, float* residual, const bf16* delta, float deltaScale, long n) {
  let_next_start();
  wait_for_previous();
  const long first = (long)blockIdx.x * blockDim.x + threadIdx.x, step = (long)gridDim.x * blockDim.x;
  for (long i = first; i < n / 8; i += step) {
    rms::F8 v;
    if (delta) {
      v = rms::load_row<true>(residual + 8 * i, delta + 8 * i, deltaScale);
      rms::store_f8(residual + 8 * i, v);
    } else {
      v = rms::load_f8(residual + 8 * i);
    }
    store8(out + 8 * i, pack8(v.v));
  }
  for (long i = n / 8 * 8 + first; i < n; i += step) {
    float v = residual[i];
    if (delta) residual[i] = v = fmaf(__bfloat162float(delta[i]), deltaScale, v);
    out[i] = __float2bfloat16(v);
  }
}
