// Formula: as gemv_codes.cu, for any number of rows.
// Shapes: as gemv_codes.cu; any M and N.
// Numerics: f32 sums that take k in the same ascending order in all three tiles: the bits of a row depend on its own values and
//   on w alone (so for any M, batch and card grid). int8: exact int32 sums, as in every other kernel for them.
// Launch: grid = ceil(M / TM) · ceil(N / TN), dynamic shared 98304; no suffix: TM 128, TN 128, block 256; _m64: 64, 64, 128;
//   _m16: 16, 32, 128. K a multiple of 16; x, its rows and w 16-byte aligned.
// Bound: 2 · M · N · K flop; for small M the N · K bytes of w.
// Source: mma.m16n8k16 and m16n8k32 in the PTX manual.
#pragma once
#include "codes.cuh"

namespace gemm_codes {

using namespace ptx;

constexpr int BK = 128, RING = 98304;  // k per stage: one group

// Pieces of 16 bytes in rows of BYTES; eight lanes that read together are in two rows, which must not share banks.
template <int BYTES>
__device__ __forceinline__ uint32_t tile_offset(int row, int piece) {
  return row * BYTES + ((BYTES == 128 ? piece ^ (row & 1) << 2 : piece ^ (row & 1)) << 4);
}

// Copies this thread's pieces of one tile of ROWS rows; zeros beyond the matrix. BYTES of a row are 128 k.
template <int ROWS, int BYTES, int THREADS>
__device__ __forceinline__ void load_tile(uint32_t shared, const unsigned char* x, long stride, int firstRow, int numRows, int at,
                                          int end) {
  constexpr int PIECES = BYTES / 16, TOGETHER = THREADS / PIECES;
  const int piece = threadIdx.x % PIECES, row0 = threadIdx.x / PIECES;
  const bool inK = at + piece * 16 < end;
#pragma unroll
  for (int i = 0; i < (ROWS + TOGETHER - 1) / TOGETHER; i++) {
    const int row = row0 + i * TOGETHER;
    if (ROWS % TOGETHER && row >= ROWS) break;
    const bool valid = inK && firstRow + row < numRows;
    copy16_or_zero(shared + tile_offset<BYTES>(row, piece), valid ? x + (firstRow + row) * stride + at + piece * 16 : x, valid);
  }
}

// Warps of WM × WN outputs in a tile of TM × TN.
template <typename P, bool GROUPED, int TM, int TN, int WM, int WN, typename OUT>
__device__ __forceinline__ void gemm(OUT* out, const unsigned char* x, const unsigned char* w, const codes::Scales& scales, int M,
                                     int N, int K, int xStride, int outStride) {
  constexpr int XB = P::X_BYTES, WARPS_M = TM / WM, THREADS = WARPS_M * (TN / WN) * 32;
  constexpr int STAGE = (TM * XB + TN) * BK, STAGES = RING / STAGE, FM = WM / 8, FN = WN / 16, TOGETHER = 16;
  typedef typename P::Sum Sum;
  DYNAMIC_SHARED(unsigned char, shared);
  let_next_start();
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, q = lane & 3;
  const int warpM = warp % WARPS_M * WM, warpN = warp / WARPS_M * WN;
  // Groups of tile rows, so that the CTAs that run together share their operands in L2.
  const int tilesM = (M + TM - 1) / TM, tilesN = (N + TN - 1) / TN;
  const int rows = blockIdx.x / (TOGETHER * tilesN), inRows = blockIdx.x - rows * TOGETHER * tilesN;
  const int high = min(TOGETHER, tilesM - rows * TOGETHER);
  const int firstM = (rows * TOGETHER + inRows % high) * TM, firstN = inRows / high * TN;
  const uint32_t ring = shared_address(shared);
  const int tilesK = (K + BK - 1) / BK;
  auto load_w = [&](uint32_t stage, int kt) {
    load_tile<TN, BK, THREADS>(stage + TM * BK * XB, w, K, firstN, N, kt * BK, K);
  };
  auto load_x = [&](uint32_t stage, int kt) {
    load_tile<TM, BK * XB, THREADS>(stage, x, (long)xStride * XB, firstM, M, kt * BK * XB, K * XB);
  };

  Sum c[FN][FM][4] = {}, total[GROUPED ? FN : 1][GROUPED ? FM : 1][4] = {};
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++)
    if (s < tilesK) load_w(ring + s * STAGE, s);
  wait_for_previous();
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < tilesK) load_x(ring + s * STAGE, s);
    copy_commit();
  }
  int stage = 0, next = STAGES - 1;
  for (int kt = 0; kt < tilesK; kt++) {
    copy_wait<STAGES - 2>();
    __syncthreads();
    if (kt + STAGES - 1 < tilesK) {
      load_x(ring + next * STAGE, kt + STAGES - 1);
      load_w(ring + next * STAGE, kt + STAGES - 1);
    }
    copy_commit();
    const uint32_t xTile = ring + stage * STAGE, wTile = xTile + TM * BK * XB;
    if (++stage == STAGES) stage = 0;
    if (++next == STAGES) next = 0;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int piece = half * 4 + q;
      typename P::W rowsOfW[FN];
#pragma unroll
      for (int i = 0; i < FN; i++) {
        const int row = warpN + i * 16 + g;
        rowsOfW[i] = P::w_of(read16(wTile + tile_offset<BK>(row, piece)), read16(wTile + tile_offset<BK>(row + 8, piece)));
      }
#pragma unroll
      for (int j = 0; j < FM; j++) {
        uint4 raw[XB];
#pragma unroll
        for (int b = 0; b < XB; b++) raw[b] = read16(xTile + tile_offset<BK * XB>(warpM + j * 8 + g, piece * XB + b));
        const typename P::X rowOfX = P::x_of(raw);
#pragma unroll
        for (int i = 0; i < FN; i++) P::multiply(c[i][j], rowsOfW[i], rowOfX);
      }
    }
    if constexpr (GROUPED) {
      float ofW[FN][2];
#pragma unroll
      for (int i = 0; i < 2 * FN; i++) ofW[i / 2][i % 2] = scales.of_w(min(firstN + warpN + i * 8 + g, N - 1), kt);
#pragma unroll
      for (int j = 0; j < FM; j++) {
        const int m = firstM + warpM + j * 8 + 2 * q;
        const float ofX[2] = {scales.of_x(min(m, M - 1), kt), scales.of_x(min(m + 1, M - 1), kt)};
#pragma unroll
        for (int i = 0; i < FN; i++)
#pragma unroll
          for (int e = 0; e < 4; e++) {
            total[i][j][e] = fmaf(c[i][j][e], ofW[i][e / 2] * ofX[e % 2], total[i][j][e]);
            c[i][j][e] = 0.f;
          }
      }
    }
  }
  copy_wait<0>();

#pragma unroll
  for (int i = 0; i < FN; i++)
#pragma unroll
    for (int j = 0; j < FM; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int n = firstN + warpN + i * 16 + e / 2 * 8 + g, m = firstM + warpM + j * 8 + 2 * q + e % 2;
        if (m < M && n < N) {
          Sum sum;
          if constexpr (GROUPED) sum = total[i][j][e];
          else sum = c[i][j][e];
          out[(long)m * outStride + n] = codes::rounded<OUT>(scales.template result<GROUPED>(sum, m, n));
        }
      }
}

}  // namespace gemm_codes

#define GEMM_E4M3(NAME, P, GROUPED, OUT, THREADS, ...)                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                                  \
      NAME(OUT* out, const void* x, const unsigned char* w, const float* ws, const float* xs, const float* bias, int N,  \
           int K, int M, int xStride, int outStride, int wsRows, int wsStride, int xsStride) {                           \
    const codes::Scales scales = {ws, xs, nullptr, nullptr, bias, wsRows, wsStride, xsStride};                           \
    gemm_codes::gemm<codes::P, GROUPED, __VA_ARGS__>(out, static_cast<const unsigned char*>(x), w, scales, M, N, K,       \
                                                     xStride, outStride);                                                \
  }
#define GEMM_TILES(NAME, P, GROUPED, OUT, SUFFIX)                                   \
  GEMM_E4M3(NAME##SUFFIX, P, GROUPED, OUT, 256, 128, 128, 64, 32)                   \
  GEMM_E4M3(NAME##_m64##SUFFIX, P, GROUPED, OUT, 128, 64, 64, 32, 32)               \
  GEMM_E4M3(NAME##_m16##SUFFIX, P, GROUPED, OUT, 128, 16, 32, 8, 16)
#define GEMM_BOTH(NAME, P, GROUPED)              \
  GEMM_TILES(NAME, P, GROUPED, bf16, )           \
  GEMM_TILES(NAME, P, GROUPED, float, _f32out)
GEMM_BOTH(gemm_e4m3, E4m3, false)
GEMM_BOTH(gemm_e4m3_groups, E4m3, true)
GEMM_BOTH(gemm_e4m3_bf16, Bf16, false)
GEMM_BOTH(gemm_e4m3_bf16_groups, Bf16, true)
#undef GEMM_BOTH
#undef GEMM_TILES
#undef GEMM_E4M3

#define GEMM_INT8(NAME, OUT, THREADS, ...)                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                                  \
      NAME(OUT* out, const void* x, const unsigned char* w, const float* ws, const float* xs, const int* zeros,          \
           const int* sums, const float* bias, int N, int K, int M, int xStride, int outStride) {                        \
    const codes::Scales scales = {ws, xs, zeros, sums, bias, 1, 1, 0};                                                   \
    gemm_codes::gemm<codes::Int8, false, __VA_ARGS__>(out, static_cast<const unsigned char*>(x), w, scales, M, N, K,      \
                                                      xStride, outStride);                                               \
  }
GEMM_INT8(gemm_int8, bf16, 256, 128, 128, 64, 32)
GEMM_INT8(gemm_int8_f32out, float, 256, 128, 128, 64, 32)
GEMM_INT8(gemm_int8_m64, bf16, 128, 64, 64, 32, 32)
GEMM_INT8(gemm_int8_m64_f32out, float, 128, 64, 64, 32, 32)
GEMM_INT8(gemm_int8_m16, bf16, 128, 16, 32, 8, 16)
GEMM_INT8(gemm_int8_m16_f32out, float, 128, 16, 32, 8, 16)
#undef GEMM_INT8
