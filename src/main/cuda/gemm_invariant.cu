// Formula: out[m, n] = sum over k of x[m, k] · w[n, k] + bias[n] (bias f32, may be null).
// Shapes: x bf16 rows of xStride elements, w bf16 [N, K], out bf16 or f32 rows of outStride; any M and N.
// Numerics: f32 accumulators that take k in ascending steps of 16 in one CTA: the bits of a row depend on its own values and
//   on w alone, and are the same for all three tiles (and so for any M, batch and card grid).
// Launch: grid = ceil(M / TM) · ceil(N / TN); no suffix: TM 128, TN 128, block 128, dynamic shared 98304; _m64: 64, 64, 128,
//   98304; _m16: 16, 32, 128, 98304. K, xStride multiples of 8; x and w 16-byte aligned.
// Bound: 2 · M · N · K flop; for small M the 2 · N · K bytes of w.
// Source: mma.m16n8k16 and ldmatrix in the PTX manual.
#pragma once
#include "common.cuh"

namespace invariant {

constexpr int BK = 64;  // k per stage: rows of 128 bytes, whose eight pieces are swizzled by the row

template <typename T>
__device__ __forceinline__ T rounded(float v) {
  return v;
}
template <>
__device__ __forceinline__ bf16 rounded<bf16>(float v) {
  return __float2bfloat16(v);
}

using namespace ptx;

// Byte offset of an 8-element piece of a row in a tile.
__device__ __forceinline__ uint32_t tile_offset(int row, int piece) { return row * 128 + ((piece ^ (row & 7)) << 4); }

// Copies this thread's pieces of one tile of ROWS rows; zeros beyond the matrix.
template <int ROWS, int THREADS>
__device__ __forceinline__ void load_tile(uint32_t shared, const bf16* x, int stride, int firstRow, int numRows, int k, int K) {
  const int piece = threadIdx.x & 7, row0 = threadIdx.x >> 3;
  const bool inK = k + piece * 8 < K;
#pragma unroll
  for (int i = 0; i < ROWS / (THREADS / 8); i++) {
    const int row = row0 + i * (THREADS / 8);
    const bool valid = inK && firstRow + row < numRows;
    copy16_or_zero(shared + tile_offset(row, piece), valid ? x + (long)(firstRow + row) * stride + k + piece * 8 : x, valid);
  }
}

// Warps of WM × WN outputs in a tile of TM × TN.
template <int TM, int TN, int WM, int WN, int STAGES, typename OUT>
__device__ __forceinline__ void gemm(OUT* out, const bf16* x, const bf16* w, const float* bias, int M, int N, int K,
                                     int xStride, int outStride) {
  constexpr int WARPS_M = TM / WM, THREADS = WARPS_M * (TN / WN) * 32, STAGE = (TM + TN) * BK * 2;
  constexpr int FM = WM / 16, FN = WN / 8, GROUP = 16;
  DYNAMIC_SHARED(unsigned char, sharedGemm);
  let_next_start();
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int warpM = warp % WARPS_M * WM, warpN = warp / WARPS_M * WN;
  // Groups of GROUP tile rows, so that the CTAs that run together share their operands in L2.
  const int tilesM = (M + TM - 1) / TM, tilesN = (N + TN - 1) / TN;
  const int group = blockIdx.x / (GROUP * tilesN), inGroup = blockIdx.x - group * GROUP * tilesN;
  const int high = min(GROUP, tilesM - group * GROUP);
  const int firstM = (group * GROUP + inGroup % high) * TM, firstN = inGroup / high * TN;
  const uint32_t ring = shared_address(sharedGemm);
  const int tilesK = (K + BK - 1) / BK;

  float c[FM][FN][4] = {};
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++)
    if (s < tilesK) load_tile<TN, THREADS>(ring + s * STAGE + TM * BK * 2, w, K, firstN, N, s * BK, K);
  wait_for_previous();
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < tilesK) load_tile<TM, THREADS>(ring + s * STAGE, x, xStride, firstM, M, s * BK, K);
    copy_commit();
  }
  int stage = 0, next = STAGES - 1;
  for (int kt = 0; kt < tilesK; kt++) {
    copy_wait<STAGES - 2>();
    __syncthreads();
    if (kt + STAGES - 1 < tilesK) {
      const int k = (kt + STAGES - 1) * BK;
      load_tile<TM, THREADS>(ring + next * STAGE, x, xStride, firstM, M, k, K);
      load_tile<TN, THREADS>(ring + next * STAGE + TM * BK * 2, w, K, firstN, N, k, K);
    }
    copy_commit();
    const uint32_t a0 = ring + stage * STAGE, b0 = a0 + TM * BK * 2;
    if (++stage == STAGES) stage = 0;
    if (++next == STAGES) next = 0;
    if constexpr (FN == 1) {  // one load serves two steps of k
#pragma unroll
      for (int k2 = 0; k2 < 2; k2++) {
        uint32_t b[4];
        ldmatrix4(b, b0 + tile_offset(warpN + (lane & 7), k2 * 4 + (lane >> 3)));
#pragma unroll
        for (int j = 0; j < 2; j++)
#pragma unroll
          for (int i = 0; i < FM; i++) {
            uint32_t a[4];
            ldmatrix4(a, a0 + tile_offset(warpM + i * 16 + (lane & 15), k2 * 4 + j * 2 + (lane >> 4)));
            mma(c[i][0], a, b[2 * j], b[2 * j + 1]);
          }
      }
    } else {
#pragma unroll
      for (int kk = 0; kk < BK / 16; kk++) {
        uint32_t a[FM][4], b[FN / 2][4];
#pragma unroll
        for (int i = 0; i < FM; i++)
          ldmatrix4(a[i], a0 + tile_offset(warpM + i * 16 + (lane & 15), kk * 2 + (lane >> 4)));
#pragma unroll
        for (int j = 0; j < FN / 2; j++)
          ldmatrix4(b[j], b0 + tile_offset(warpN + j * 16 + (lane & 7) + (lane >> 4) * 8, kk * 2 + (lane >> 3 & 1)));
#pragma unroll
        for (int i = 0; i < FM; i++)
#pragma unroll
          for (int j = 0; j < FN; j++) mma(c[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
      }
    }
  }
  copy_wait<0>();

  const bool pairs = outStride % 2 == 0 && ((uintptr_t)out & 7) == 0;
#pragma unroll
  for (int j = 0; j < FN; j++) {
    const int n = firstN + warpN + j * 8 + (lane & 3) * 2;
    const float bias0 = bias && n < N ? bias[n] : 0.f, bias1 = bias && n + 1 < N ? bias[n + 1] : 0.f;
#pragma unroll
    for (int i = 0; i < FM; i++)
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const int m = firstM + warpM + i * 16 + h * 8 + (lane >> 2);
        const float v0 = c[i][j][2 * h] + bias0, v1 = c[i][j][2 * h + 1] + bias1;
        OUT* p = out + (long)m * outStride + n;
        if (m >= M || n >= N) continue;
        if (pairs && n + 1 < N) {
          if constexpr (sizeof(OUT) == 2) *reinterpret_cast<bf162*>(p) = __floats2bfloat162_rn(v0, v1);
          else *reinterpret_cast<float2*>(p) = make_float2(v0, v1);
        } else {
          p[0] = rounded<OUT>(v0);
          if (n + 1 < N) p[1] = rounded<OUT>(v1);
        }
      }
  }
}

}  // namespace invariant

#define GEMM_INVARIANT(NAME, OUT, TM, TN, WM, WN, STAGES)                                                            \
  extern "C" __global__ void __launch_bounds__(128, 2)                                                               \
      NAME(OUT* out, const bf16* x, const bf16* w, const float* bias, int M, int N, int K, int xStride, int outStride) { \
    invariant::gemm<TM, TN, WM, WN, STAGES>(out, x, w, bias, M, N, K, xStride, outStride);                           \
  }
GEMM_INVARIANT(gemm_invariant_bf16, bf16, 128, 128, 64, 64, 3)
GEMM_INVARIANT(gemm_invariant_bf16_f32out, float, 128, 128, 64, 64, 3)
GEMM_INVARIANT(gemm_invariant_bf16_m64, bf16, 64, 64, 32, 32, 6)
GEMM_INVARIANT(gemm_invariant_bf16_m64_f32out, float, 64, 64, 32, 32, 6)
GEMM_INVARIANT(gemm_invariant_bf16_m16, bf16, 16, 32, 16, 8, 16)
GEMM_INVARIANT(gemm_invariant_bf16_m16_f32out, float, 16, 32, 16, 8, 16)
#undef GEMM_INVARIANT
