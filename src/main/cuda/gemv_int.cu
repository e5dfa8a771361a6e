// Formula: out[m, n] = sum over groups of scale[n, group] · (sum over its k of x[m, k] · v[n, k]) + offset[n, group] · (sum
//   over its k of x[m, k]), + bias[n] (f32, may be null). v: integers of 4 or 8 bits.
// Shapes: x bf16 rows of xStride elements, w as in int_weights.cuh, out bf16 or f32 (outFloats) rows of outStride; M = 1 … 8,
//   _m16: M = 1 … 16.
// Numerics: integers are exact in bf16, tensor-core f32 sums within a group, f32 over the groups. The order depends on K and the
//   groups only: a row's bits depend neither on M nor on the other rows nor on the grid, and are the same for both.
// Launch: grid = number of SMs (any grid is correct), block 256, dynamic shared = 8 · stages · stage + sums: a stage is 1024 or
//   2048 bytes of codes and its scales (see shared_bytes). K, xStride multiples of 8; x 16-byte aligned.
// Bound: bytes: N · K / 2 (4 bits) or N · K (8 bits) and the scales, read once. At 4.5 TB/s an H200 brings an SM about 18 bytes
//   a clock, 36 weights of 4 bits. These cost 11 instructions for each 8 to become bf16, 1 in 8 to be multiplied, and about
//   0.4 a weight for copies, x, scales and addresses: 1.8 in all, 65 of the 128 that an SM issues a clock. Of 8 bits: 14 for
//   each 8, at half as many weights.
// Source: the operands of mma.m16n8k16 in the PTX manual. The significand trick: Kim et al., Who Says Elephants Can't Run
//   (2022).
#pragma once
#include "int_weights.cuh"

namespace gemv_int {

using namespace ints;

constexpr int WARPS = 8, THREADS = WARPS * 32;

// Warps take every eighth step of 16 · TILES rows of w; NT times eight rows of x are the columns of B. A lane reads the codes
// that it copied itself; scales it copies for the warp.
template <int BITS, int TILES, int NT, int GS>
__device__ __forceinline__ void product(void* out, bool outFloats, const bf16* x, const Matrix& w, const float* bias, int M,
                                        int xStride, int outStride, unsigned char* shared) {
  constexpr int PIECES = BITS / 4, CODES = TILES * PIECES * 512, STAGES = 65536 / (CODES * WARPS), ROWS = 16 * TILES;
  constexpr int PITCH = ROWS + 4;
  const int t = threadIdx.x, lane = t & 31, warp = t >> 5, g = lane >> 2, q = lane & 3;
  const int steps = w.steps(), form = w.form, granuleBytes = 16 * w.width(), stageBytes = CODES + TILES * GS * granuleBytes;
  const int tiles = (w.N + 15) >> 4;
  const int first = (int)((long)tiles * blockIdx.x / gridDim.x), last = (int)((long)tiles * (blockIdx.x + 1) / gridDim.x);
  float* partial = reinterpret_cast<float*>(shared);
  unsigned char* ring = shared + WARPS * NT * 8 * PITCH * sizeof(float) + warp * STAGES * stageBytes;
  const uint32_t ringAddress = shared_address(ring);

  int issueTile = first, issueStep = warp;
  auto issue = [&](int slot) {
    if (issueStep < steps) {
      const uint32_t to = ringAddress + slot * stageBytes;
      const unsigned char* from = w.codes + ((long)issueTile * steps + issueStep) * (PIECES * 512) + lane * 16;
#pragma unroll
      for (int i = 0; i < TILES; i++)
        if (issueTile + i < last)
#pragma unroll
          for (int p = 0; p < PIECES; p++)
            copy16_or_zero_ahead(to + (i * PIECES + p) * 512 + lane * 16, from + ((long)i * steps * PIECES + p) * 512, true);
      const int pieces = GS * granuleBytes / 16;  // a power of two, of one tile
      const unsigned char* scales = w.scales + ((long)issueTile * w.groups + w.granule<GS>(issueStep)) * granuleBytes;
      for (int p = lane; p < TILES * pieces; p += 32) {
        const int i = p / pieces;
        if (issueTile + i < last)
          copy16(to + CODES + p * 16, scales + (long)i * w.groups * granuleBytes + (p - i * pieces) * 16);
      }
    }
    copy_commit();
    issueStep += WARPS;
    if (issueStep >= steps) issueStep = warp, issueTile += TILES;
    if (issueTile >= last) issueStep = steps;  // nothing is left
  };
  if (first >= last) issueStep = steps;
#pragma unroll 1
  for (int i = 0; i < STAGES; i++) issue(i);
  wait_for_previous();

  auto load_x = [&](uint2 (&b)[NT][4], int step) {
#pragma unroll
    for (int n = 0; n < NT; n++)
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int m = n * 8 + g, k = step * 64 + j * 16 + q * 2;
        const uint32_t* from = reinterpret_cast<const uint32_t*>(x + (long)m * xStride + k);
        b[n][j].x = m < M && k < w.K ? from[0] : 0;
        b[n][j].y = m < M && k + 8 < w.K ? from[4] : 0;
      }
  };
  int slot = 0;
  for (int base = first; base < last; base += TILES) {
    float sum[TILES][NT][4] = {};
    uint2 b[NT][4];
    load_x(b, warp);
    for (int s = warp; s < steps; s += WARPS) {
      uint2 next[NT][4];
      load_x(next, s + WARPS);
      copy_wait<STAGES - 1>();
      __syncwarp();
      const unsigned char* stage = ring + slot * stageBytes;
      uint4 codes[TILES][PIECES];
#pragma unroll
      for (int i = 0; i < TILES; i++)
#pragma unroll
        for (int p = 0; p < PIECES; p++) codes[i][p] = read16(shared_address(stage) + (i * PIECES + p) * 512 + lane * 16);
#pragma unroll
      for (int h = 0; h < GS; h++) {
        float c[TILES][NT][4] = {}, ofX[NT][4] = {};
#pragma unroll
        for (int jj = 0; jj < 4 / GS; jj++) {
          const int j = h * (4 / GS) + jj;
#pragma unroll
          for (int i = 0; i < TILES; i++) {
            uint32_t a[4];
            operand<BITS>(a, codes[i], j);
#pragma unroll
            for (int n = 0; n < NT; n++) mma(c[i][n], a, b[n][j].x, b[n][j].y);
          }
          if (form & OFFSETS) {
            const uint32_t ones[4] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u};
#pragma unroll
            for (int n = 0; n < NT; n++) mma(ofX[n], ones, b[n][j].x, b[n][j].y);
          }
        }
#pragma unroll
        for (int i = 0; i < TILES; i++) {
          Scale scales[2];
          read_scales(scales, stage + CODES + (i * GS + h) * granuleBytes, g, form);
#pragma unroll
          for (int n = 0; n < NT; n++)
#pragma unroll
            for (int r = 0; r < 4; r++) {
              sum[i][n][r] = fmaf(scales[r >> 1].scale, c[i][n][r], sum[i][n][r]);
              if (form & OFFSETS) sum[i][n][r] = fmaf(scales[r >> 1].offset, ofX[n][r & 1], sum[i][n][r]);
            }
        }
      }
      __syncwarp();  // all lanes have read the scales
      issue(slot);
      slot = slot == STAGES - 1 ? 0 : slot + 1;
#pragma unroll
      for (int n = 0; n < NT; n++)
#pragma unroll
        for (int j = 0; j < 4; j++) b[n][j] = next[n][j];
    }
    float* mine = partial + (warp * NT * 8 + 2 * q) * PITCH + g;
#pragma unroll
    for (int i = 0; i < TILES; i++)
#pragma unroll
      for (int n = 0; n < NT; n++)
#pragma unroll
        for (int r = 0; r < 4; r++) mine[(n * 8 + (r & 1)) * PITCH + 16 * i + 8 * (r >> 1)] = sum[i][n][r];
    __syncthreads();
    for (int i = t; i < M * ROWS; i += THREADS) {
      const int m = i / ROWS, r = i % ROWS, n = base * 16 + r;
      if (n < min(last * 16, w.N)) {
        float y = 0.f;
#pragma unroll
        for (int k = 0; k < WARPS; k++) y += partial[(k * NT * 8 + m) * PITCH + r];
        if (bias) y += bias[n];
        if (outFloats) reinterpret_cast<float*>(out)[(long)m * outStride + n] = y;
        else reinterpret_cast<bf16*>(out)[(long)m * outStride + n] = __float2bfloat16(y);
      }
    }
    __syncthreads();
  }
  copy_wait<0>();
}

// Few row tiles a CTA take the small tiles. granulesPerStep: 1, 2 or 4.
template <int BITS, int NT>
__device__ __forceinline__ void dispatch(void* out, int outFloats, const bf16* x, const Matrix& w, const float* bias, int M,
                                         int xStride, int outStride, int granulesPerStep) {
  DYNAMIC_SHARED(unsigned char, shared);
  let_next_start();
  constexpr int SMALL = 8 / BITS;
  const int tiles = ((w.N + 15) / 16 + gridDim.x - 1) / gridDim.x;
#define GRANULES(GS)                                                                                      \
  if (NT > 1 || tiles <= SMALL)                                                                           \
    product<BITS, SMALL, NT, GS>(out, outFloats != 0, x, w, bias, M, xStride, outStride, shared);         \
  else if constexpr (NT == 1)                                                                             \
    product<BITS, 2 * SMALL, NT, GS>(out, outFloats != 0, x, w, bias, M, xStride, outStride, shared);
  if (granulesPerStep == 1) {
    GRANULES(1)
  } else if (granulesPerStep == 2) {
    GRANULES(2)
  } else {
    GRANULES(4)
  }
#undef GRANULES
}

}  // namespace gemv_int

#define GEMV_INT(NAME, BITS, NT)                                                                                       \
  extern "C" __global__ void __launch_bounds__(256, 2)                                                                \
      NAME(void* out, const bf16* x, const unsigned char* codes, const unsigned char* scales, const float* bias, int N, \
           int K, int M, int xStride, int outStride, int outFloats, int form, int groups, unsigned groupSteps,          \
           int granulesPerStep) {                                                                                     \
    const ints::Matrix w = {codes, scales, N, K, form, groups, groupSteps};                                           \
    gemv_int::dispatch<BITS, NT>(out, outFloats, x, w, bias, M, xStride, outStride, granulesPerStep);                 \
  }
GEMV_INT(gemv_w4a16, 4, 1)
GEMV_INT(gemv_w4a16_m16, 4, 2)
GEMV_INT(gemv_w8a16, 8, 1)
GEMV_INT(gemv_w8a16_m16, 8, 2)
#undef GEMV_INT
