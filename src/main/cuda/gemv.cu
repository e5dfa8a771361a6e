// Formula: out[m, n] = sum over k of x[m, k] · w[n, k] + bias[n] (bias f32, may be null).
// Shapes: x bf16 rows of xStride elements, w bf16 [N, K], out bf16 or f32 rows of outStride; m1: one row; m8: M = 1 … 8.
// Numerics: tensor-core f32 accumulation in an order that depends on K only. With m8 a row's bits depend neither on M nor
//   on the other rows nor on the grid; m1 has an order of its own, which does not depend on the grid either.
// Launch: grid = number of SMs (any grid is correct: the rows of w are spread evenly). m1: block 256, dynamic shared 98304,
//   and when K > 16384 ceil(K / 2048) · 4096 more; m8: block 128, dynamic shared 98304 (107008 with the static: cards of
//   99 KB a block take gemm_invariant_bf16_m16). K, xStride multiples of 8; x and w 16-byte aligned. One CTA an SM leaves
//   room for the next product's CTA, which fills its ring while this one ends.
// Bound: bytes: 2 · N · K, read once.
// Source: the operands of mma.m16n8k16 in the PTX manual; k may be permuted freely if both operands are.
#pragma once
#include "common.cuh"

namespace gemv {

template <typename T>
__device__ __forceinline__ T to(float v) {
  return v;
}
template <>
__device__ __forceinline__ bf16 to<bf16>(float v) {
  return __float2bfloat16(v);
}

// Each thread reads back only what it copied itself, so the wait for its own copies is all the synchronization that the
// ring needs.
using namespace ptx;

// Rows a and b of the tile (g and g + 8), eight k of each lane, as two steps of sixteen.
__device__ __forceinline__ void mma2(float (&c)[4], const uint4& a, const uint4& b, const uint4& x) {
  const uint32_t low[4] = {a.x, b.x, a.y, b.y}, high[4] = {a.z, b.z, a.w, b.w};
  mma(c, low, x.x, x.y);
  mma(c, high, x.z, x.w);
}

constexpr int THREADS1 = 256, WARPS1 = THREADS1 / 32, SLOTS1 = 12, BATCH = 32, PITCH1 = WARPS1 + 1;

// One row of x. All threads work on the same two rows of w, each on its own pieces of 8 k: coalesced, and x stays in
// registers (PIECES > 0) or in shared memory. In the mma the eight lane groups are eight rows of A and eight columns of B,
// so that the diagonal of C has each group's own dot product; the rest of C is not used.
template <int PIECES, typename OUT>
__device__ __forceinline__ void one_row(OUT* out, const bf16* x, const bf16* w, const float* bias, int N, int K,
                                        unsigned char* shared, float (*partial)[BATCH][PITCH1]) {
  constexpr int T = THREADS1, SLOT = 2 * T * 16;
  const int t = threadIdx.x, lane = t & 31, warp = t >> 5, chunks = K / 8;
  const int pieces = PIECES ? PIECES : (chunks + T - 1) / T;
  const int first = (int)((long)N * blockIdx.x / gridDim.x), last = (int)((long)N * (blockIdx.x + 1) / gridDim.x);
  const uint32_t ring = shared_address(shared) + t * 16;

  auto issue = [&](uint32_t slot, int row, int piece) {
    if (row < last) {
      const int c = t + piece * T;
      const bool valid = c < chunks, second = valid && row + 1 < last;
      const bf16* from = w + (long)row * K + min(c, chunks - 1) * 8;
      copy16_or_zero_ahead(slot, from, valid);
      copy16_or_zero_ahead(slot + T * 16, second ? from + K : from, second);
    }
    copy_commit();
  };

  int row = first, piece = 0;  // what is issued next
#pragma unroll 1
  for (int i = 0; i < SLOTS1; i++) {
    issue(ring + i * SLOT, row, piece);
    if (++piece == pieces) piece = 0, row += 2;
  }
  float addend = bias && t < BATCH && first + t < last ? bias[first + t] : 0.f;
  wait_for_previous();
  uint4 xs[PIECES ? PIECES : 1];
  uint4* xShared = reinterpret_cast<uint4*>(shared + SLOTS1 * SLOT);
  if constexpr (PIECES > 0) {
#pragma unroll
    for (int j = 0; j < PIECES; j++)
      xs[j] = t + j * T < chunks ? reinterpret_cast<const uint4*>(x)[t + j * T] : make_uint4(0, 0, 0, 0);
  } else {
    for (int j = 0; j < pieces; j++)
      xShared[t + j * T] = t + j * T < chunks ? reinterpret_cast<const uint4*>(x)[t + j * T] : make_uint4(0, 0, 0, 0);
  }

  const int source = 4 * (lane & 7) + ((lane & 7) >> 1);  // the lane that has diagonal element lane & 7
  const bool odd = lane & 4;                              // and its register there: column g of the pair 2q, 2q + 1
  uint32_t slot = ring;
  int buffer = 0;
  for (int base = first; base < last; base += BATCH) {
    const int end = min(base + BATCH, last);
    for (int r = base; r < end; r += 2) {
      float c[4] = {0.f, 0.f, 0.f, 0.f};
      auto step = [&](const uint4& xv) {
        copy_wait<SLOTS1 - 1>();
        const uint4 a = read16(slot), b = read16(slot + T * 16);
        mma2(c, a, b, xv);
        issue(slot, row, piece);
        if (++piece == pieces) piece = 0, row += 2;
        slot = slot == ring + (SLOTS1 - 1) * SLOT ? ring : slot + SLOT;
      };
      if constexpr (PIECES > 0) {
#pragma unroll
        for (int j = 0; j < PIECES; j++) step(xs[j]);
      } else {
        for (int j = 0; j < pieces; j++) step(xShared[t + j * T]);
      }
      const float a = __shfl_sync(FULL_WARP, odd ? c[1] : c[0], source);
      const float b = __shfl_sync(FULL_WARP, odd ? c[3] : c[2], source);
      float sum = lane & 8 ? b : a;
#pragma unroll
      for (int o = 4; o; o >>= 1) sum += __shfl_xor_sync(FULL_WARP, sum, o);
      if ((lane & 23) == 0) partial[buffer][r - base + (lane >> 3)][warp] = sum;
    }
    __syncthreads();
    if (t < BATCH && base + t < last) {
      float sum = 0.f;
#pragma unroll
      for (int i = 0; i < WARPS1; i++) sum += partial[buffer][t][i];
      out[base + t] = to<OUT>(sum + addend);
    }
    addend = bias && t < BATCH && base + BATCH + t < last ? bias[base + BATCH + t] : 0.f;
    buffer ^= 1;  // read by the slowest thread until the next barrier
  }
  copy_wait<0>();
}

template <typename OUT>
__device__ __forceinline__ void dispatch1(OUT* out, const bf16* x, const bf16* w, const float* bias, int N, int K) {
  DYNAMIC_SHARED(unsigned char, shared);
  __shared__ float partial[2][BATCH][PITCH1];
  let_next_start();
  switch ((K / 8 + THREADS1 - 1) / THREADS1) {
#define PIECES(n) \
  case n: return one_row<n, OUT>(out, x, w, bias, N, K, shared, partial);
    PIECES(1) PIECES(2) PIECES(3) PIECES(4) PIECES(5) PIECES(6) PIECES(7) PIECES(8)
#undef PIECES
    default: return one_row<0, OUT>(out, x, w, bias, N, K, shared, partial);
  }
}

constexpr int THREADS8 = 128, WARPS8 = THREADS8 / 32, RING8 = 98304;

// Up to eight rows of x: they are the columns of B. Each warp takes every fourth 64 k of 16 · TILES rows of w.
template <int TILES, typename OUT>
__device__ __forceinline__ void eight_rows(OUT* out, const bf16* x, const bf16* w, const float* bias, int N, int K, int M,
                                           int xStride, int outStride, unsigned char* shared, float* partial) {
  constexpr int T = THREADS8, ROWS = 16 * TILES, STAGE = 4 * TILES * T * 16, STAGES = RING8 / STAGE, PITCH = ROWS + 4;
  const int t = threadIdx.x, lane = t & 31, warp = t >> 5, g = lane >> 2, q = lane & 3, chunks = K / 8;
  const int first = (int)((long)N * blockIdx.x / gridDim.x), last = (int)((long)N * (blockIdx.x + 1) / gridDim.x);
  const int steps = (chunks + 31) / 32;
  const uint32_t ring = shared_address(shared) + t * 16;

  int issueRow = first + g, issueStep = 0;
  auto issue = [&](uint32_t stage) {
    const int c = issueStep * 32 + warp * 8 + q;
    const bool valid = c < chunks, second = c + 4 < chunks;
    const bf16* row = w + (long)issueRow * K + min(c, chunks - 1) * 8;
#pragma unroll
    for (int i = 0; i < 2 * TILES; i++) {
      if (issueRow + 8 * i < last) {
        const bf16* from = row + 8L * i * K;
        copy16_or_zero_ahead(stage + 2 * i * T * 16, from, valid);
        copy16_or_zero_ahead(stage + (2 * i + 1) * T * 16, second ? from + 32 : from, second);
      }
    }
    copy_commit();
    if (++issueStep == steps) issueStep = 0, issueRow += ROWS;
  };
#pragma unroll 1
  for (int i = 0; i < STAGES; i++) issue(ring + i * STAGE);
  wait_for_previous();

  const uint4* xRow = reinterpret_cast<const uint4*>(x + (long)g * xStride);
  auto load_x = [&](int step, int half) {
    const int c = step * 32 + warp * 8 + half * 4 + q;
    return g < M && c < chunks ? xRow[c] : make_uint4(0, 0, 0, 0);
  };
  uint32_t stage = ring;
  for (int base = first; base < last; base += ROWS) {
    float c[TILES][4] = {};
    uint4 x0 = load_x(0, 0), x1 = load_x(0, 1);
    for (int s = 0; s < steps; s++) {
      const uint4 next0 = load_x(s + 1, 0), next1 = load_x(s + 1, 1);
      copy_wait<STAGES - 1>();
#pragma unroll
      for (int i = 0; i < TILES; i++) {
        mma2(c[i], read16(stage + (4 * i) * T * 16), read16(stage + (4 * i + 2) * T * 16), x0);
        mma2(c[i], read16(stage + (4 * i + 1) * T * 16), read16(stage + (4 * i + 3) * T * 16), x1);
      }
      issue(stage);
      stage = stage == ring + (STAGES - 1) * STAGE ? ring : stage + STAGE;
      x0 = next0, x1 = next1;
    }
    float* mine = partial + warp * 8 * PITCH + 2 * q * PITCH + g;
#pragma unroll
    for (int i = 0; i < TILES; i++) {
      mine[16 * i] = c[i][0];
      mine[PITCH + 16 * i] = c[i][1];
      mine[16 * i + 8] = c[i][2];
      mine[PITCH + 16 * i + 8] = c[i][3];
    }
    __syncthreads();
    for (int i = t; i < M * ROWS; i += T) {
      const int m = i / ROWS, n = i % ROWS;
      if (base + n < last) {
        float sum = 0.f;
#pragma unroll
        for (int k = 0; k < WARPS8; k++) sum += partial[(k * 8 + m) * PITCH + n];
        out[(long)m * outStride + base + n] = to<OUT>(sum + (bias ? bias[base + n] : 0.f));
      }
    }
    __syncthreads();
  }
  copy_wait<0>();
}

template <typename OUT>
__device__ __forceinline__ void dispatch8(OUT* out, const bf16* x, const bf16* w, const float* bias, int N, int K, int M,
                                          int xStride, int outStride) {
  DYNAMIC_SHARED(unsigned char, shared);
  __shared__ float partial[WARPS8 * 8 * 68];
  let_next_start();
  if ((N + gridDim.x - 1) / gridDim.x <= 32) {
    eight_rows<2, OUT>(out, x, w, bias, N, K, M, xStride, outStride, shared, partial);
  } else {
    eight_rows<4, OUT>(out, x, w, bias, N, K, M, xStride, outStride, shared, partial);
  }
}

}  // namespace gemv

// Registers: two of these CTAs and one of norm.cu's for 4096 values fit one SM.
extern "C" __global__ void __launch_bounds__(256, 2)
    gemv_bf16_m1(bf16* out, const bf16* x, const bf16* w, const float* bias, int N, int K) {
  gemv::dispatch1(out, x, w, bias, N, K);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    gemv_bf16_m1_f32out(float* out, const bf16* x, const bf16* w, const float* bias, int N, int K) {
  gemv::dispatch1(out, x, w, bias, N, K);
}

extern "C" __global__ void __launch_bounds__(128)
    gemv_bf16_m8(bf16* out, const bf16* x, const bf16* w, const float* bias, int N, int K, int M, int xStride,
                 int outStride) {
  gemv::dispatch8(out, x, w, bias, N, K, M, xStride, outStride);
}

extern "C" __global__ void __launch_bounds__(128)
    gemv_bf16_m8_f32out(float* out, const bf16* x, const bf16* w, const float* bias, int N, int K, int M, int xStride,
                        int outStride) {
  gemv::dispatch8(out, x, w, bias, N, K, M, xStride, outStride);
}
