// Formula: out[m, n] = sum over k of x[m, k] · bf16(v[n, k] · scale[n, group] + offset[n, group]) + bias[n] (f32, may be null).
// Shapes: x bf16 rows of xStride elements, w as in int_weights.cuh, out bf16 or f32 (outFloats) rows of outStride; any M, N.
// Numerics: weights rounded to bf16 once, as dequantize_w4 and _w8 do; f32 sums. _m64, _m128, _m256 sum k in ascending order
//   in steps of 16, the same for all three; _split halves the steps between two warpgroups and adds their sums.
// Launch: Hopper only. grid = ceil(N / TN) · ceil(M / TM), block 256, TM = 64, 128, 256 by the name, TN = 128, _split 64;
//   dynamic shared = 1024 + stages · (TM · 128 (twice with _split) + 8 · (128 · bits + granules a step · 16 · width of a scale)),
//   stages: 5 for 4 bits, 4 for 8 bits and for _m256. K, xStride multiples of 8; x 16-byte aligned.
// Bound: 2 · M · N · K flop; for small M the bytes of w. A warpgroup multiplies 64 × 64 weights by TM inputs in 2 · TM clocks of
//   the SM's tensor cores, and makes the operands in 15 instructions for 8 weights (31 with offsets or scales in f16, f32):
//   60 (124) issue slots of each of the four schedulers, beside the product of the step before.
// Source: wgmma with the first operand in registers, PTX manual; the scheme is that of CUTLASS' mixed-input product.
#pragma once
#include "attention_sm90.cuh"
#include "int_weights.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
namespace gemm_int {

using namespace ints;

constexpr int THREADS = 256;
using sm90_attention::fence_async_shared;
using sm90_attention::mma_commit;
using sm90_attention::mma_fence;
using sm90_attention::mma_wait;
using sm90_attention::named_sync;
using sm90_attention::pin;
using sm90_attention::product_registers_k;

// Of a K-major tile with rows of 128 bytes, swizzled.
__device__ __forceinline__ uint64_t descriptor(uint32_t address) {
  return (uint64_t)((address & 0x3ffff) >> 4) | 1ull << 16 | (uint64_t)(1024 >> 4) << 32 | 1ull << 62;
}

// The pair as bf16 of v · scale + offset.
__device__ __forceinline__ uint32_t scaled(uint32_t v, const Scale& s) {
  const float low = fmaf(__uint_as_float(v << 16), s.scale, s.offset);
  const float high = fmaf(__uint_as_float(v & 0xffff0000u), s.scale, s.offset);
  const bf162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}

// All four operands of a step, with their scales; `granules` of the warp's row tile in shared memory.
template <int BITS, int GS>
__device__ __forceinline__ void operands(uint32_t (&a)[4][4], const uint4 (&block)[BITS / 4], const unsigned char* granules,
                                         int granuleBytes, int g, int form) {
#pragma unroll
  for (int j = 0; j < 4; j++) operand<BITS>(a[j], block, j);
  if (form == 0) {  // bf16
#pragma unroll
    for (int h = 0; h < GS; h++) {
      const uint32_t both = reinterpret_cast<const uint32_t*>(granules + h * granuleBytes)[g];
      const uint32_t scales[2] = {__byte_perm(both, 0, 0x1010), __byte_perm(both, 0, 0x3232)};
#pragma unroll
      for (int j = h * 4 / GS; j < (h + 1) * 4 / GS; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) a[j][i] = multiply_bf16x2(a[j][i], scales[i & 1]);
    }
  } else {
#pragma unroll
    for (int h = 0; h < GS; h++) {
      Scale s[2];
      read_scales(s, granules + h * granuleBytes, g, form);
#pragma unroll
      for (int j = h * 4 / GS; j < (h + 1) * 4 / GS; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) a[j][i] = scaled(a[j][i], s[i & 1]);
    }
  }
}

// SPLIT = 2: both warpgroups have the same 64 rows of w, and every other step.
template <int BITS, int TM, int SPLIT, int GS>
__device__ __forceinline__ void product(void* out, bool outFloats, const bf16* x, const Matrix& w, const float* bias, int M,
                                        int xStride, int outStride, unsigned char* dynamic) {
  constexpr int PIECES = BITS / 4, STAGES = BITS == 4 && TM < 256 ? 5 : 4, X = TM * 128, CODES = PIECES * 512;
  constexpr int LOADERS = THREADS / SPLIT, TILES = 8 / SPLIT;
  const int t = threadIdx.x, lane = t & 31, warp = t >> 5, group = t >> 7, g = lane >> 2, q = lane & 3;
  const int steps = w.steps(), form = w.form, granuleBytes = 16 * w.width();
  const int tilesM = (M + TM - 1) / TM, firstM = (int)(blockIdx.x % tilesM) * TM, firstTile = (int)(blockIdx.x / tilesM) * TILES;
  const int rowTile = firstTile + (SPLIT == 2 ? warp & 3 : warp), begin = SPLIT == 2 ? group : 0;
  const bool inMatrix = rowTile * 16 < w.N;

  const uint32_t start = (shared_address(dynamic) + 1023) & ~1023u;
  unsigned char* const shared = dynamic + (start - shared_address(dynamic));
  const uint32_t xRing = start + (SPLIT == 2 ? group * STAGES * X : 0);
  const uint32_t codeRing = start + SPLIT * STAGES * X + warp * STAGES * CODES;
  const uint32_t scaleRing = start + SPLIT * STAGES * X + 8 * STAGES * CODES + warp * STAGES * GS * granuleBytes;
  const unsigned char* const scaleStages = shared + (scaleRing - start);

  auto issue_codes = [&](int slot, int step) {
    if (step >= steps || !inMatrix) return;
    const unsigned char* from = w.codes + ((long)rowTile * steps + step) * CODES + lane * 16;
#pragma unroll
    for (int p = 0; p < PIECES; p++) copy16_or_zero_ahead(codeRing + slot * CODES + p * 512 + lane * 16, from + p * 512, true);
    const int pieces = GS * granuleBytes / 16;
    const unsigned char* scales = w.scales + ((long)rowTile * w.groups + w.granule<GS>(step)) * granuleBytes;
    for (int p = lane; p < pieces; p += 32) copy16(scaleRing + (slot * pieces + p) * 16, scales + p * 16);
  };
  const int loader = SPLIT == 2 ? t & 127 : t, piece = loader & 7, row0 = loader >> 3;
  auto issue_x = [&](int slot, int step) {
    if (step >= steps) return;
    const int k = step * 64 + piece * 8;
#pragma unroll
    for (int i = 0; i < TM / (LOADERS / 8); i++) {
      const int row = row0 + i * (LOADERS / 8);
      const bool valid = k < w.K && firstM + row < M;
      copy16_or_zero(xRing + slot * X + row * 128 + ((piece ^ (row & 7)) << 4), valid ? x + (long)(firstM + row) * xStride + k : x,
                     valid);
    }
  };
  auto meet = [&] {
    fence_async_shared();  // what this thread copied, for the tensor cores
    if constexpr (SPLIT == 2) named_sync(1 + group, 128);
    else __syncthreads();
  };
  auto make = [&](uint32_t (&a)[4][4], int slot) {
    __syncwarp();
    uint4 block[PIECES];
#pragma unroll
    for (int p = 0; p < PIECES; p++) block[p] = read16(codeRing + slot * CODES + p * 512 + lane * 16);
    operands<BITS, GS>(a, block, scaleStages + slot * GS * granuleBytes, granuleBytes, g, form);
  };

#pragma unroll 1
  for (int i = 0; i < STAGES; i++) issue_codes(i, begin + i * SPLIT);
  wait_for_previous();
#pragma unroll 1
  for (int i = 0; i < STAGES; i++) {
    issue_x(i, begin + i * SPLIT);
    copy_commit();
  }
  float sum[TM / 2] = {};
  uint32_t a[4][4], next[4][4];
  copy_wait<STAGES - 1>();
  make(a, 0);
  meet();
  int slot = 0;
  // The product of one step, and meanwhile the operands of the next (past the last step, of what is left there).
  auto step = [&](int s, uint32_t (&a)[4][4], uint32_t (&next)[4][4]) {
    const uint64_t b = descriptor(xRing + slot * X);
    const int following = slot == STAGES - 1 ? 0 : slot + 1;
    pin(sum);
    mma_fence();
#pragma unroll
    for (int j = 0; j < 4; j++) product_registers_k(sum, a[j][0], a[j][1], a[j][2], a[j][3], b + j * 2);
    mma_commit();
    copy_wait<STAGES - 2>();
    make(next, following);
    mma_wait<0>();
    pin(sum);
    meet();
    issue_codes(slot, s + STAGES * SPLIT);
    issue_x(slot, s + STAGES * SPLIT);
    copy_commit();
    slot = following;
  };
#pragma unroll 1
  for (int s = begin; s < steps; s += 2 * SPLIT) {  // registers in use by a product are not written to
    step(s, a, next);
    if (s + SPLIT >= steps) break;
    step(s + SPLIT, next, a);
  }
  copy_wait<0>();

  if constexpr (SPLIT == 2) {
    float* sums = reinterpret_cast<float*>(shared);
    __syncthreads();
    if (group == 1) {
#pragma unroll
      for (int i = 0; i < TM / 2; i++) sums[i * 128 + (t & 127)] = sum[i];
    }
    __syncthreads();
    if (group == 1) return;
#pragma unroll
    for (int i = 0; i < TM / 2; i++) sum[i] += sums[i * 128 + t];
  }
  if (!inMatrix) return;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const int n = rowTile * 16 + g + 8 * h;
    if (n >= w.N) continue;
    const float addend = bias ? bias[n] : 0.f;
#pragma unroll
    for (int i = 0; i < TM / 4; i++) {
      const int m = firstM + i / 2 * 8 + q * 2 + (i & 1);
      if (m >= M) continue;
      const float y = sum[i / 2 * 4 + 2 * h + (i & 1)] + addend;
      if (outFloats) reinterpret_cast<float*>(out)[(long)m * outStride + n] = y;
      else reinterpret_cast<bf16*>(out)[(long)m * outStride + n] = __float2bfloat16(y);
    }
  }
}

}  // namespace gemm_int

#define GEMM_INT_BODY(BITS, TM, SPLIT)                                                                              \
  DYNAMIC_SHARED(unsigned char, dynamic);                                                                           \
  let_next_start();                                                                                                 \
  const ints::Matrix w = {codes, scales, N, K, form, groups, groupSteps};                                           \
  if (granulesPerStep == 1)                                                                                         \
    gemm_int::product<BITS, TM, SPLIT, 1>(out, outFloats != 0, x, w, bias, M, xStride, outStride, dynamic);         \
  else if (granulesPerStep == 2)                                                                                    \
    gemm_int::product<BITS, TM, SPLIT, 2>(out, outFloats != 0, x, w, bias, M, xStride, outStride, dynamic);         \
  else                                                                                                              \
    gemm_int::product<BITS, TM, SPLIT, 4>(out, outFloats != 0, x, w, bias, M, xStride, outStride, dynamic);
#else
#define GEMM_INT_BODY(...)
#endif

#define GEMM_INT(NAME, BITS, TM, SPLIT, PER_SM)                                                                       \
  extern "C" __global__ void __launch_bounds__(256, PER_SM)                                                           \
      NAME(void* out, const bf16* x, const unsigned char* codes, const unsigned char* scales, const float* bias, int N, \
           int K, int M, int xStride, int outStride, int outFloats, int form, int groups, unsigned groupSteps,          \
           int granulesPerStep) {                                                                                     \
    GEMM_INT_BODY(BITS, TM, SPLIT)                                                                                    \
  }
GEMM_INT(gemm_w4a16_m64_split, 4, 64, 2, 2)
GEMM_INT(gemm_w4a16_m128_split, 4, 128, 2, 1)
GEMM_INT(gemm_w4a16_m128, 4, 128, 1, 1)
GEMM_INT(gemm_w4a16_m256, 4, 256, 1, 1)
GEMM_INT(gemm_w8a16_m64_split, 8, 64, 2, 2)
GEMM_INT(gemm_w8a16_m128_split, 8, 128, 2, 1)
GEMM_INT(gemm_w8a16_m128, 8, 128, 1, 1)
GEMM_INT(gemm_w8a16_m256, 8, 256, 1, 1)
#undef GEMM_INT
#undef GEMM_INT_BODY
