// Formula: out[m, n] = xs[m] · ws[n] · (sum over k of x[m, k] · w[n, k] − zero[m] · sum over k of w[n, k]) + bias[n]; in groups:
//   the sum over groups of 128 k of xs[m, g] · ws[n, g] · (sum over k in g).
// Shapes: M = 1 … 8 rows of x of xStride elements: e4m3 or int8 codes, or bf16 (no xs then); w e4m3 or int8 [N, K]; out bf16 or
//   f32 rows of outStride; scales as codes.cuh has them.
// Numerics: f32 sums in an order that depends on K only (of int8: exact int32 sums); factors in f32 at the end.
// Launch: grid = number of SMs (any grid is correct: the rows of w are spread evenly), block 128, dynamic shared 98304. K a
//   multiple of 16; x, its rows and w 16-byte aligned. One CTA an SM leaves room for the next product's, as in gemv.cu.
// Bound: bytes: N · K, read once.
// Source: the operands of mma.m16n8k16 and m16n8k32 in the PTX manual.
#pragma once
#include "codes.cuh"

namespace gemv_codes {

using namespace ptx;

constexpr int THREADS = 128, WARPS = THREADS / 32, RING = 98304, MAX_ROWS = 8;

// Each warp takes every fourth 128 k of 16 · TILES rows of w. Each thread reads back only what it copied itself.
template <typename P, bool GROUPED, int TILES, typename OUT>
__device__ __forceinline__ void few_rows(OUT* out, const unsigned char* x, const unsigned char* w, const codes::Scales& scales,
                                         int N, int K, int M, int xStride, int outStride, unsigned char* shared, float* partial) {
  constexpr int T = THREADS, ROWS = 16 * TILES, STAGE = 4 * TILES * T * 16, STAGES = RING / STAGE, PITCH = ROWS + 4;
  constexpr int XB = P::X_BYTES;
  typedef typename P::Sum Sum;
  const int t = threadIdx.x, lane = t & 31, warp = t >> 5, g = lane >> 2, q = lane & 3, chunks = K / 16;
  const int first = (int)((long)N * blockIdx.x / gridDim.x), last = (int)((long)N * (blockIdx.x + 1) / gridDim.x);
  const int steps = (chunks + 31) / 32;
  const uint32_t ring = shared_address(shared) + t * 16;

  int issueRow = first + g, issueStep = 0;
  auto issue = [&](uint32_t stage) {
    const int c = issueStep * 32 + warp * 8 + q;
    const bool valid = c < chunks, second = c + 4 < chunks;
    const unsigned char* row = w + (long)issueRow * K + min(c, chunks - 1) * 16;
#pragma unroll
    for (int i = 0; i < 2 * TILES; i++) {
      if (issueRow + 8 * i < last) {
        const unsigned char* from = row + 8L * i * K;
        copy16_or_zero_ahead(stage + 2 * i * T * 16, from, valid);
        copy16_or_zero_ahead(stage + (2 * i + 1) * T * 16, second ? from + 64 : from, second);
      }
    }
    copy_commit();
    if (++issueStep == steps) issueStep = 0, issueRow += ROWS;
  };
#pragma unroll 1
  for (int i = 0; i < STAGES; i++) issue(ring + i * STAGE);
  wait_for_previous();

  const uint4* xRow = reinterpret_cast<const uint4*>(x + (long)g * xStride * XB);
  auto load_x = [&](uint4 (&raw)[XB], int step, int half) {
    const int c = step * 32 + warp * 8 + half * 4 + q;
#pragma unroll
    for (int i = 0; i < XB; i++) raw[i] = g < M && c < chunks ? xRow[c * XB + i] : make_uint4(0, 0, 0, 0);
  };
  uint32_t stage = ring;
  for (int base = first; base < last; base += ROWS) {
    Sum c[TILES][4] = {}, total[TILES][4] = {};
    uint4 raw0[XB], raw1[XB];
    load_x(raw0, 0, 0);
    load_x(raw1, 0, 1);
    for (int s = 0; s < steps; s++) {
      const int group = s * WARPS + warp;
      float ofRow[TILES][2], ofX[2];
      if constexpr (GROUPED) {
        const int known = min(group, (K - 1) / 128);
#pragma unroll
        for (int i = 0; i < 2 * TILES; i++) ofRow[i / 2][i % 2] = scales.of_w(min(base + g + 8 * i, last - 1), known);
#pragma unroll
        for (int j = 0; j < 2; j++) ofX[j] = scales.of_x(min(2 * q + j, M - 1), known);
      }
      const typename P::X x0 = P::x_of(raw0), x1 = P::x_of(raw1);
      load_x(raw0, s + 1, 0);
      load_x(raw1, s + 1, 1);
      copy_wait<STAGES - 1>();
#pragma unroll
      for (int i = 0; i < TILES; i++) {
        P::multiply(c[i], P::w_of(read16(stage + (4 * i) * T * 16), read16(stage + (4 * i + 2) * T * 16)), x0);
        P::multiply(c[i], P::w_of(read16(stage + (4 * i + 1) * T * 16), read16(stage + (4 * i + 3) * T * 16)), x1);
      }
      if constexpr (GROUPED) {
        if (group * 8 < chunks) {  // warp-uniform
#pragma unroll
          for (int i = 0; i < TILES; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
              total[i][j] = fmaf(c[i][j], ofRow[i][j / 2] * ofX[j % 2], total[i][j]);
              c[i][j] = 0.f;
            }
        }
      }
      issue(stage);
      stage = stage == ring + (STAGES - 1) * STAGE ? ring : stage + STAGE;
    }
    float* mine = partial + warp * 8 * PITCH + 2 * q * PITCH + g;
    static_assert(sizeof(Sum) == 4, "");
    auto put = [&](int at, Sum v) { memcpy(mine + at, &v, 4); };
#pragma unroll
    for (int i = 0; i < TILES; i++) {
      const Sum* sum = GROUPED ? total[i] : c[i];
      put(16 * i, sum[0]);
      put(PITCH + 16 * i, sum[1]);
      put(16 * i + 8, sum[2]);
      put(PITCH + 16 * i + 8, sum[3]);
    }
    __syncthreads();
    for (int i = t; i < M * ROWS; i += T) {
      const int m = i / ROWS, n = i % ROWS;
      if (base + n < last) {
        Sum sum = 0;
#pragma unroll
        for (int k = 0; k < WARPS; k++) {
          Sum part;
          memcpy(&part, partial + (k * 8 + m) * PITCH + n, 4);
          sum += part;
        }
        out[(long)m * outStride + base + n] = codes::rounded<OUT>(scales.template result<GROUPED>(sum, m, base + n));
      }
    }
    __syncthreads();
  }
  copy_wait<0>();
}

template <typename P, bool GROUPED, typename OUT>
__device__ __forceinline__ void dispatch(OUT* out, const void* x, const unsigned char* w, const codes::Scales& scales, int N,
                                         int K, int M, int xStride, int outStride) {
  DYNAMIC_SHARED(unsigned char, shared);
  __shared__ float partial[WARPS * 8 * 68];
  let_next_start();
  const unsigned char* bytes = static_cast<const unsigned char*>(x);
  if ((N + gridDim.x - 1) / gridDim.x <= 32) {
    few_rows<P, GROUPED, 2, OUT>(out, bytes, w, scales, N, K, M, xStride, outStride, shared, partial);
  } else {
    few_rows<P, GROUPED, 4, OUT>(out, bytes, w, scales, N, K, M, xStride, outStride, shared, partial);
  }
}

}  // namespace gemv_codes

#define GEMV_E4M3(NAME, P, GROUPED, OUT)                                                                                  \
  extern "C" __global__ void __launch_bounds__(128)                                                                       \
      NAME(OUT* out, const void* x, const unsigned char* w, const float* ws, const float* xs, const float* bias, int N,  \
           int K, int M, int xStride, int outStride, int wsRows, int wsStride, int xsStride) {                           \
    const codes::Scales scales = {ws, xs, nullptr, nullptr, bias, wsRows, wsStride, xsStride};                           \
    gemv_codes::dispatch<codes::P, GROUPED>(out, x, w, scales, N, K, M, xStride, outStride);                              \
  }
GEMV_E4M3(gemv_e4m3, E4m3, false, bf16)
GEMV_E4M3(gemv_e4m3_f32out, E4m3, false, float)
GEMV_E4M3(gemv_e4m3_groups, E4m3, true, bf16)
GEMV_E4M3(gemv_e4m3_groups_f32out, E4m3, true, float)
GEMV_E4M3(gemv_e4m3_bf16, Bf16, false, bf16)
GEMV_E4M3(gemv_e4m3_bf16_f32out, Bf16, false, float)
GEMV_E4M3(gemv_e4m3_bf16_groups, Bf16, true, bf16)
GEMV_E4M3(gemv_e4m3_bf16_groups_f32out, Bf16, true, float)
#undef GEMV_E4M3

#define GEMV_INT8(NAME, OUT)                                                                                              \
  extern "C" __global__ void __launch_bounds__(128)                                                                       \
      NAME(OUT* out, const void* x, const unsigned char* w, const float* ws, const float* xs, const int* zeros,          \
           const int* sums, const float* bias, int N, int K, int M, int xStride, int outStride) {                        \
    const codes::Scales scales = {ws, xs, zeros, sums, bias, 1, 1, 0};                                                    \
    gemv_codes::dispatch<codes::Int8, false>(out, x, w, scales, N, K, M, xStride, outStride);                             \
  }
GEMV_INT8(gemv_int8, bf16)
GEMV_INT8(gemv_int8_f32out, float)
#undef GEMV_INT8
