// Formula: out[h] = softmax(scale · q[h] · K^T [, soft cap] [, sinks[h] in the denominator]) · V, causal, over pages.
// Shapes: as in attention_decode.cu; q and out rows of sequence s are [cuSeqlensQ[s], cuSeqlensQ[s+1]), the last of its
//   seqLens[s] tokens. items[i] = (sequence, first row within its rows, a multiple of BLOCK_M); x = -1 does nothing.
//   Kernels named fp8 read e4m3 pages; K's scale is part of `scale`, V's is valueScale.
//   paged_attention_…: BLOCK_M = 128 rows of one query head (64 rows for head dimension 256).
//   paged_attention_rows_…: BLOCK_M = 1, the query heads of one KV head together: for decode rows.
// Numerics: f32 logits and accumulators, probabilities rounded to bf16 (fp8: f16, as Q); relative error < 4e-3 against f64. A row's bits
//   depend on its own keys and queries alone: not on the batch, the chunk it came in, its place in a tile, nor on which
//   of the two kernels computes it. Key tiles start at multiples of BLOCK_N; masked ones change nothing.
// Launch: grid (numHeads, items), rows: (numKvHeads · ceil(group / 16), items); block 128; stages 1 or 2; dynamic shared
//   bytes (rows: 16, else BLOCK_M)·2·(D+8) + stages·2·BLOCK_N·2·(D+8), BLOCK_N = 64 (32 for head dimension 256), in
//   fp8 (D + 16, or D where D/16 is odd) instead of the last 2·(D+8). Rows, strides and caches 16-byte aligned. Long items first balances best.
// Bound: 4·D flop a visible key, row and head; for decode rows the bytes of K and V.
// Source: Dao, FlashAttention-2, 2023.
#pragma once
#include "attention_pages.cuh"

namespace attention {
namespace varlen {

template <typename Element>
struct Args {
  bf16* out;
  const bf16* q;
  const Element *kCache, *vCache;
  const int *cuSeqlensQ, *seqLens, *blockTableStart, *blockTables;
  const int2* items;
  const float* sinks;
  int outStride, qStride, blockShift, numHeads, numKvHeads, window, stages;
  float scale, softCap, valueScale;
};

// PACKED: the rows of the tile are the query heads of one token, every warp computes all logits and its part of the
// columns of the result. Else the rows are tokens of one head, and each warp has 16·MT rows of its own.
template <int D, int BLOCK_N, int WARPS, int MT, bool PACKED, typename P>
__device__ __forceinline__ void run(const Args<typename P::Element>& a) {
  constexpr int K16 = D / 16, N8 = BLOCK_N / 8, BLOCK_M = PACKED ? 16 : WARPS * MT * 16, STEP = P::STEP;
  // 16-column parts of the result in one warp; those of one load stay together.
  constexpr int COLS = PACKED ? ((K16 + STEP - 1) / STEP + WARPS - 1) / WARPS * STEP : K16;
  constexpr int HALF = BLOCK_N * P::PITCH, STAGE = 2 * HALF;
  DYNAMIC_SHARED(unsigned char, smem);
  const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
  unsigned char* stage0 = smem + BLOCK_M * PITCH<D>;

  let_next_start();
  wait_for_previous();
  const int2 item = a.items[blockIdx.y];
  if (item.x < 0) return;
  const int group = a.numHeads / a.numKvHeads, rowTiles = (group + 15) / 16, rowsPer = (group + rowTiles - 1) / rowTiles;
  const int kvHead = PACKED ? blockIdx.x / rowTiles : blockIdx.x / group;
  const int firstHead = PACKED ? kvHead * group + blockIdx.x % rowTiles * rowsPer : blockIdx.x;
  const int firstRow = a.cuSeqlensQ[item.x], allRows = a.cuSeqlensQ[item.x + 1] - firstRow, len = a.seqLens[item.x];
  const int tokens = PACKED ? 1 : min(BLOCK_M, allRows - item.y);
  const int rows = PACKED ? min(rowsPer, (kvHead + 1) * group - firstHead) : tokens;
  const int position = len - allRows + item.y;  // of the first row
  const int* table = a.blockTables + a.blockTableStart[item.x];
  const size_t rowStep = PACKED ? D : a.qStride, outStep = PACKED ? D : a.outStride;
  const bf16* q = a.q + (size_t)(firstRow + item.y) * a.qStride + (size_t)firstHead * D;
  bf16* out = a.out + (size_t)(firstRow + item.y) * a.outStride + (size_t)firstHead * D;

  for (int i = tid; i < BLOCK_M * (D / 8); i += WARPS * WARP) {
    int row = i / (D / 8), part = i % (D / 8);
    const bf16* from = row < rows ? q + row * rowStep + part * 8 : q;
    if (P::FP8) P::put_query(smem + row * PITCH<D>, part, row < rows ? *reinterpret_cast<const uint4*>(from) : uint4{});
    else copy16_or_zero(shared_address(smem) + row * PITCH<D> + part * 16, from, row < rows);
  }
  const int start = a.window > 0 ? max(0, position - a.window + 1) / BLOCK_N : 0;
  const int end = (position + tokens - 1) / BLOCK_N + 1;

  // Each warp copies chunks of 16 keys; the block number is read one tile ahead.
  constexpr int CHUNKS = BLOCK_N / CHUNK;
  const int chunk = warp % CHUNKS;
  auto block_of = [&](int tile) {
    int key = tile * BLOCK_N + chunk * CHUNK;
    return tile < end && key < len ? table[key >> a.blockShift] : 0;
  };
  int block = block_of(start);
  auto fetch = [&](int tile, int stage) {
    int key = tile * BLOCK_N + chunk * CHUNK;
    size_t row = (((size_t)block * a.numKvHeads + kvHead) << a.blockShift) + (key & ((1 << a.blockShift) - 1));
    uint32_t to = shared_address(stage0 + stage * STAGE) + chunk * CHUNK * P::PITCH;
#pragma unroll
    for (int part = 0; part < 2; part++) {  // K, V
      if (2 * CHUNKS == WARPS && part != warp / CHUNKS) continue;
      const typename P::Element* from = (part ? a.vCache : a.kCache) + row * D;
      if (key + CHUNK <= len) copy_rows<D, typename P::Element, P::PITCH, true>(to + part * HALF, from, lane, 0, CHUNK);
      else copy_rows<D, typename P::Element, P::PITCH, false>(to + part * HALF, from, lane, 0, len - key);
    }
    block = block_of(tile + 1);
    copy_commit();
  };
  fetch(start, 0);

  const int warpRow = PACKED ? 0 : warp * MT * 16, g = lane >> 2, c = (lane & 3) * 2;
  const uint32_t qAt = shared_address(smem) + (warpRow + (lane & 15)) * PITCH<D> + (lane >> 4) * 16;
  const uint32_t kLane = P::key_lane(lane), vLane = HALF + P::value_lane(lane);
  const int firstSeen = position + (PACKED ? 0 : warpRow);                // position of the warp's first row
  const int lastSeen = PACKED ? position : min(position + tokens - 1, firstSeen + MT * 16 - 1);
  const float unit = a.softCap > 0.f ? 1.f : a.scale * LOG2E;             // of the logits in s, to base 2
  auto column_of = [&](int n) { return PACKED ? (n / STEP * WARPS + warp) * STEP + n % STEP : n; };
  float o[MT][2 * COLS][4] = {}, m[MT][2], l[MT][2] = {};
#pragma unroll
  for (int t = 0; t < MT; t++) m[t][0] = m[t][1] = NEG_INF;

  for (int tile = start; tile < end; tile++) {
    const int stage = a.stages == 2 ? (tile - start) & 1 : 0, key = tile * BLOCK_N;
    copy_wait<0>();
    __syncthreads();
    if (a.stages == 2 && tile + 1 < end) fetch(tile + 1, stage ^ 1);
    // A tile that no row of the warp sees would change nothing.
    if (warpRow < rows && key <= lastSeen && (a.window <= 0 || key + BLOCK_N > firstSeen - a.window + 1)) {
      const uint32_t base = shared_address(stage0 + stage * STAGE);
      float s[MT][N8][4] = {};
#pragma unroll
      for (int k = 0; k < K16; k += STEP) {
        uint32_t qf[STEP][MT][4];
#pragma unroll
        for (int i = 0; i < STEP && k + i < K16; i++)
#pragma unroll
          for (int t = 0; t < MT; t++) ldmatrix4(qf[i][t], qAt + t * 16 * PITCH<D> + (k + i) * 32);
#pragma unroll
        for (int n = 0; n < N8; n += 2) {
          uint32_t b[STEP][4];
          P::keys(b, base + kLane + n * 8 * P::PITCH, k, lane);
#pragma unroll
          for (int i = 0; i < STEP && k + i < K16; i++)
#pragma unroll
            for (int t = 0; t < MT; t++) {
              P::multiply(s[t][n], qf[i][t], b[i][0], b[i][1]);
              P::multiply(s[t][n + 1], qf[i][t], b[i][2], b[i][3]);
            }
        }
      }
      if (a.softCap > 0.f) {
#pragma unroll
        for (int i = 0; i < MT * N8 * 4; i++) {
          float& x = s[i / (N8 * 4)][i / 4 % N8][i % 4];
          x = logit2(x, a.scale, a.softCap);
        }
      }
      if (key + BLOCK_N - 1 > firstSeen || (a.window > 0 && key < firstSeen + (PACKED ? 0 : MT * 16 - 1) - a.window + 1)) {
#pragma unroll
        for (int i = 0; i < MT * N8 * 4; i++) {
          int t = i / (N8 * 4), n = i / 4 % N8, e = i % 4, j = key + n * 8 + c + (e & 1);
          int p = PACKED ? position : firstSeen + t * 16 + g + (e >> 1) * 8;
          if (j > p || (a.window > 0 && j <= p - a.window)) s[t][n][e] = NEG_INF;
        }
      }
#pragma unroll
      for (int t = 0; t < MT; t++) {
        float alpha[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
          float top = NEG_INF;
#pragma unroll
          for (int n = 0; n < N8; n++) top = fmaxf(top, fmaxf(s[t][n][2 * r], s[t][n][2 * r + 1]));
          top = fmaxf(m[t][r], quad_max(top));
          // Explicit operations: contraction must not differ between the kernels; alpha is exactly 1 if the maximum stays.
          const float finite = top == NEG_INF ? 0.f : top, zero = __fmul_rn(finite, unit);
          alpha[r] = exp2_fast(__fmul_rn(m[t][r] - finite, unit));
          m[t][r] = top;
          float sum = 0;
#pragma unroll
          for (int n = 0; n < N8; n++)
#pragma unroll
            for (int e = 2 * r; e < 2 * r + 2; e++) sum += s[t][n][e] = exp2_fast(fmaf(s[t][n][e], unit, -zero));
          l[t][r] = fmaf(l[t][r], alpha[r], sum);
        }
        if (__any_sync(FULL_WARP, alpha[0] != 1.f || alpha[1] != 1.f)) {  // else times 1: the same bits
#pragma unroll
          for (int n = 0; n < 2 * COLS; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) o[t][n][e] *= alpha[e >> 1];
        }
      }
#pragma unroll
      for (int k = 0; k < BLOCK_N / 16; k++) {
        uint32_t p[MT][4];
#pragma unroll
        for (int t = 0; t < MT; t++)
#pragma unroll
          for (int i = 0; i < 4; i++) p[t][i] = P::pack(s[t][2 * k + i / 2][i % 2 * 2], s[t][2 * k + i / 2][i % 2 * 2 + 1]);
#pragma unroll
        for (int n = 0; n < COLS; n += STEP) {
          const int column = column_of(n);
          if (PACKED && column >= K16) break;
          uint32_t b[STEP][4];
          P::values(b, base + vLane + k * 16 * P::PITCH, column, lane);
#pragma unroll
          for (int i = 0; i < STEP && n + i < COLS; i++)
#pragma unroll
            for (int t = 0; t < MT; t++) {
              P::multiply(o[t][2 * (n + i)], p[t], b[i][0], b[i][1]);
              P::multiply(o[t][2 * (n + i) + 1], p[t], b[i][2], b[i][3]);
            }
        }
      }
    }
    if (a.stages == 1 && tile + 1 < end) {
      __syncthreads();
      fetch(tile + 1, 0);
    }
  }

  // The result goes through the warp's rows of Q, which nobody reads any more, to be written 16 bytes at a time.
  if (PACKED) __syncthreads();
  else __syncwarp();
#pragma unroll
  for (int t = 0; t < MT; t++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const int row = warpRow + t * 16 + g + 8 * r;
      const int h = PACKED ? min(firstHead + row, a.numHeads - 1) : firstHead;
      float factor, inverse = inverse_sum(__fmul_rn(m[t][r], unit), quad_sum(l[t][r]), a.sinks, h, factor);
      if (P::FP8) inverse *= a.valueScale;
#pragma unroll
      for (int n = 0; n < COLS; n++) {
        const int column = column_of(n);
        if (PACKED && column >= K16) break;
        const float *x = o[t][2 * n] + 2 * r, *y = o[t][2 * n + 1] + 2 * r;
        P::put_output(smem + row * PITCH<D> + column * 32, x[0] * inverse, x[1] * inverse, y[0] * inverse, y[1] * inverse, lane);
      }
    }
  if (PACKED) __syncthreads();
  else __syncwarp();
  const int count = PACKED ? 16 : MT * 16, threads = PACKED ? WARPS * WARP : WARP;
  for (int i = PACKED ? tid : lane; i < count * (D / 8); i += threads) {
    int row = warpRow + i / (D / 8), part = i % (D / 8);
    if (row < rows)
      *reinterpret_cast<uint4*>(out + row * outStep + part * 8) = *reinterpret_cast<uint4*>(smem + row * PITCH<D> + part * 16);
  }
}

}  // namespace varlen
}  // namespace attention

#define QUIRE_PAGED_ATTENTION(NAME, D, BLOCK_N, WARPS, MT, PACKED, PAGES, VALUE_SCALE, ...)                             \
  extern "C" __global__ void __launch_bounds__(WARPS * 32, 8 / WARPS) NAME(                                             \
      bf16* out, int outStride, const bf16* q, int qStride, const attention::PAGES<D>::Element* kCache,                 \
      const attention::PAGES<D>::Element* vCache, int blockSize, const int* cuSeqlensQ, const int* seqLens,             \
      const int* blockTableStart, const int* blockTables, const int2* items, int numHeads, int numKvHeads, float scale, \
      int slidingWindow, float softCap, const float* sinks, int stages __VA_ARGS__) {                                   \
    attention::varlen::run<D, BLOCK_N, WARPS, MT, PACKED, attention::PAGES<D>>(                                         \
        {out, q, kCache, vCache, cuSeqlensQ, seqLens, blockTableStart, blockTables, items, sinks, outStride, qStride,   \
         31 - __clz(blockSize), numHeads, numKvHeads, slidingWindow, stages, scale, softCap, VALUE_SCALE});             \
  }
#define QUIRE_PAGED_ATTENTION_BOTH(D, BLOCK_N, MT)                                                                    \
  QUIRE_PAGED_ATTENTION(paged_attention_bf16_d##D, D, BLOCK_N, 4, MT, false, Bf16Pages, 1.f, )                        \
  QUIRE_PAGED_ATTENTION(paged_attention_rows_bf16_d##D, D, BLOCK_N, 4, 1, true, Bf16Pages, 1.f, )                     \
  QUIRE_PAGED_ATTENTION(paged_attention_fp8_d##D, D, BLOCK_N, 4, MT, false, Fp8Pages, valueScale, , float valueScale) \
  QUIRE_PAGED_ATTENTION(paged_attention_rows_fp8_d##D, D, BLOCK_N, 4, 1, true, Fp8Pages, valueScale, , float valueScale)
QUIRE_PAGED_ATTENTION_BOTH(64, 64, 2)
QUIRE_PAGED_ATTENTION_BOTH(80, 64, 2)
QUIRE_PAGED_ATTENTION_BOTH(96, 64, 2)
QUIRE_PAGED_ATTENTION_BOTH(128, 64, 2)
QUIRE_PAGED_ATTENTION_BOTH(256, 32, 1)
#undef QUIRE_PAGED_ATTENTION_BOTH
#undef QUIRE_PAGED_ATTENTION
