// Formula: out[h] = softmax(scale · q[h] · K^T [, soft cap] [, sinks[h] in the denominator]) · V, one query row a sequence.
// Shapes: q rows cuSeqlensQ[s] of bf16 [T, qStride] (head h at column h·D), out bf16 [T, outStride]; K, V of one layer
//   bf16, or e4m3 in the kernels named fp8, [blocks, numKvHeads, blockSize, D], blockSize 16, 32 or 64; K's scale is part
//   of `scale`, V's is valueScale. Entry e is sequence decodeSeqs[e] and owns the key
//   tiles [tileStart[e], tileStart[e+1]): ceil(len / 64) − floor(max(0, window > 0 ? len − window : 0) / 64) of them,
//   len = seqLens[s]; none for padding entries, whose decodeSeqs is not used. tileStart has nD + 1 values from 0.
// Numerics: f32 logits and accumulators, probabilities rounded to bf16 (fp8: f16, as Q); relative error < 4e-3 against f64. The same
//   launch gives the same bits, but they depend on the batch (where the work is cut).
// Launch: grid G = SMs × CTAs an SM (any G ≥ 1 is right), block 128 or 256, dynamic shared bytes
//   (threads/32)·stages·64·(D+8) + 32·(D+8) + (threads/32)·132 + 16, stages 1…6 as they fit; fp8: a stage is
//   32·(D + 16, or D where D/16 is odd), and there are (threads/32)·64·(D+8) more; scratch G·32·(D+2) f32, 16-byte aligned; counters G int32, zeroed once, left zero by every launch. Rows, strides and caches 16-byte aligned.
//   early = 1 promises that nothing in this stream since the last full dependency writes lengths, tables, tileStart or
//   the caches, but for the tokens of this step: all keys but the last 16 are then fetched before the previous kernel ends.
// Bound: bytes of K and V, 4·D (fp8: 2·D) a key and KV head; 4·D·16 flop a key, KV head and tile of 16 query heads.
// Source: split-KV attention as in Flash-Decoding, work division as in Stream-K (Osama et al., 2023).
#pragma once
#include "attention_units.cuh"

namespace attention {
namespace decode {

template <typename P>
constexpr int STAGE = 2 * CHUNK * P::PITCH;  // K then V; later the same bytes hold a warp's f32 result, but in FP8
template <int D>
constexpr int RESULT = ROWS * (D + 8) * 4;

__device__ __forceinline__ void wait_for_oldest(int stages) {
  switch (stages) {
    case 1: copy_wait<0>(); break;
    case 2: copy_wait<1>(); break;
    case 3: copy_wait<2>(); break;
    case 4: copy_wait<3>(); break;
    case 5: copy_wait<4>(); break;
    default: copy_wait<5>(); break;
  }
}

__device__ __forceinline__ void store4(bf16* out, const float (&v)[4], float factor) {
  uint2 packed = make_uint2(pack2(v[0] * factor, v[1] * factor), pack2(v[2] * factor, v[3] * factor));
  *reinterpret_cast<uint2*>(out) = packed;
}

// The pieces of one pair in their order: the first was cut at its end only, the others before their start.
template <int D, typename Element>
__device__ __forceinline__ void merge_pieces(const Args<Element>& a, bf16* out, int firstCta, int pieces, int rows, int h0) {
  const float2* allMl = reinterpret_cast<const float2*>(a.scratch + (size_t)gridDim.x * 2 * ROWS * D);
  for (int i = threadIdx.x; i < rows * (D / 4); i += blockDim.x) {
    int row = i / (D / 4), col = i % (D / 4) * 4;
    float top = NEG_INF, sum = 0, v[4] = {};
    constexpr int AT_ONCE = 8;  // loads in flight
    for (int from = 0; from < pieces; from += AT_ONCE) {
      float2 t[AT_ONCE];
      float4 x[AT_ONCE];
#pragma unroll
      for (int p = 0; p < AT_ONCE; p++) {
        t[p] = make_float2(NEG_INF, 0);
        x[p] = make_float4(0, 0, 0, 0);
        if (from + p >= pieces) continue;
        size_t at = (size_t)(2 * (firstCta + from + p) + (from + p ? 0 : 1)) * ROWS + row;
        t[p] = __ldcg(allMl + at);  // not from L1: other CTAs wrote it
        x[p] = __ldcg(reinterpret_cast<const float4*>(a.scratch + at * D + col));
      }
#pragma unroll
      for (int p = 0; p < AT_ONCE; p++) {
        if (t[p].x == NEG_INF) continue;
        float now = fmaxf(top, t[p].x), old = exp2_fast(top - now), f = exp2_fast(t[p].x - now);
        top = now;
        sum = sum * old + f * t[p].y;
        v[0] = v[0] * old + f * x[p].x;
        v[1] = v[1] * old + f * x[p].y;
        v[2] = v[2] * old + f * x[p].z;
        v[3] = v[3] * old + f * x[p].w;
      }
    }
    float factor, inverse = inverse_sum(top, sum, a.sinks, h0 + row, factor);
    if (sizeof(Element) == 1) inverse *= a.valueScale;
    store4(out + row * D + col, v, inverse);
  }
}

template <int D, typename P>
__device__ __forceinline__ void run(const Args<typename P::Element>& a) {
  constexpr int K16 = D / 16, STEP = P::STEP;
  constexpr bool Q_IN_REGISTERS = D <= 128;
  DYNAMIC_SHARED(unsigned char, smem);
  const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, warps = blockDim.x >> 5;
  unsigned char* stages = smem + (size_t)warp * a.stages * STAGE<P>;
  unsigned char* results = smem + (size_t)warps * a.stages * STAGE<P>;  // of the warps, in FP8
  unsigned char* qTile = results + (P::FP8 ? warps * RESULT<D> : 0);
  float2* ml = reinterpret_cast<float2*>(qTile + ROWS * PITCH<D>);  // [warps][ROWS]: maximum, sum
  int* slots = reinterpret_cast<int*>(ml + warps * ROWS);           // [warps]: where the warp's result lies
  int* shared = slots + warps;                                      // first entry, its sequence; later [1]: last here

  let_next_start();
  if (!a.early) wait_for_previous();

  const int group = a.numHeads / a.numKvHeads;
  const int rowTiles = (group + ROWS - 1) / ROWS, rowsPer = (group + rowTiles - 1) / rowTiles;
  const int heads = a.numKvHeads * rowTiles;
  const int total = heads * a.tileStart[a.nD];
  // Many short pieces make the merge of one row long: a piece has at least about the root of the number of pieces.
  const int least = max(1, (int)sqrtf((float)total / (heads * a.nD) * rowsPer * (1.f / 64)));
  Split split;
  split.ctas = min((int)gridDim.x, max(1, total / least));
  split.share = total / split.ctas;
  split.rest = total - split.share * split.ctas;
  if ((int)blockIdx.x >= split.ctas || total == 0) {
    wait_for_previous();
    return;
  }
  const int begin = split.begin(blockIdx.x), end = split.begin(blockIdx.x + 1);
  for (int e = tid; e < a.nD; e += blockDim.x) {
    int seq = a.decodeSeqs[e];  // together with tileStart: one latency less before the first key
    if (heads * a.tileStart[e] <= begin && begin < heads * a.tileStart[e + 1]) {
      shared[0] = e;
      shared[1] = seq;
    }
  }
  __syncthreads();

  Cursor at;  // of the block
  at.unit = begin;
  at.entry = shared[0];
  at.load(a, shared[1]);
  at.tile = begin - heads * a.tileStart[at.entry];
  at.head = at.tile / at.tiles;
  at.tile -= at.head * at.tiles;

  // Warp w takes chunk w % SUBS of every unit (block of 128) or of every second unit (block of 256).
  const int sub = warp % SUBS, every = warps / SUBS, phase = warp / SUBS;
  Cursor next = at;  // of this warp's loads, `stages` chunks ahead of its arithmetic
  int nextBlock = 0;
  bool waited = !a.early;
  auto skip = [&](Cursor& c, int units) {
    c.unit += units;
    c.tile += units;
  };
  auto seek = [&]() {  // to the next chunk with keys; its block number is fetched one step before it is needed
    for (; next.unit < end; skip(next, every)) {
      next.settle(a, heads);
      int key = next.key(sub);
      if (!next.sees(key)) continue;
      nextBlock = a.blockTables[next.table + (key >> a.blockShift)];
      return;
    }
  };
  auto fetch = [&](int slot) {
    if (next.unit < end) {
      int key = next.key(sub), kvHead = next.head / rowTiles;
      if (!waited && key + CHUNK >= next.len) {
        wait_for_previous();
        waited = true;
      }
      size_t row = ((size_t)(nextBlock * (long long)a.numKvHeads + kvHead) << a.blockShift) + (key & ((1 << a.blockShift) - 1));
      const typename P::Element *k = a.kCache + row * D, *v = a.vCache + row * D;
      uint32_t to = shared_address(stages + slot * STAGE<P>), toV = to + CHUNK * P::PITCH;
      int low = next.low - key, high = next.len - key;
      if (low <= 0 && high >= CHUNK) {
        copy_rows<D, typename P::Element, P::PITCH, true>(to, k, lane, low, high);
        copy_rows<D, typename P::Element, P::PITCH, true>(toV, v, lane, low, high);
      } else {
        copy_rows<D, typename P::Element, P::PITCH, false>(to, k, lane, low, high);
        copy_rows<D, typename P::Element, P::PITCH, false>(toV, v, lane, low, high);
      }
      skip(next, every);
      seek();
    }
    copy_commit();
  };
  skip(next, (phase - begin % every + every) % every);
  seek();
  for (int i = 0; i < a.stages; i++) fetch(i);
  wait_for_previous();

  auto load_q = [&](const Cursor& c) {
    int kvHead = c.head / rowTiles, first = c.head % rowTiles * rowsPer, rows = min(rowsPer, group - first);
    const bf16* q = a.q + (size_t)c.row * a.qStride + (kvHead * group + first) * D;
    for (int i = tid; i < ROWS * (D / 8); i += blockDim.x) {
      int row = i / (D / 8), part = i % (D / 8);
      uint4 v = row < rows ? *reinterpret_cast<const uint4*>(q + row * D + part * 8) : make_uint4(0, 0, 0, 0);
      P::put_query(qTile + row * PITCH<D>, part, v);
    }
  };
  load_q(at);
  __syncthreads();

  const uint32_t qAt = shared_address(qTile) + (lane & 15) * PITCH<D> + (lane >> 4) * 16;
  const uint32_t kAt = shared_address(stages) + P::key_lane(lane);
  const uint32_t vAt = shared_address(stages) + CHUNK * P::PITCH + P::value_lane(lane);
  int slot = 0;
  bool freed = false;  // the slot was read, its next copy not yet started
  auto refill = [&]() {
    if (!freed) return;
    __syncwarp();
    fetch(slot);
    slot = slot + 1 == a.stages ? 0 : slot + 1;
    freed = false;
  };

  while (at.unit < end) {  // one (entry, head) or the part of it that is this CTA's
    const int count = min(at.tiles - at.tile, end - at.unit);
    uint32_t q[Q_IN_REGISTERS ? K16 : 1][4];
    if (Q_IN_REGISTERS) {
#pragma unroll
      for (int k = 0; k < (Q_IN_REGISTERS ? K16 : 1); k++) ldmatrix4(q[k], qAt + k * 32);
    }
    float o[2 * K16][4], m[2] = {NEG_INF, NEG_INF}, l[2] = {0, 0};
#pragma unroll
    for (int n = 0; n < 2 * K16; n++) o[n][0] = o[n][1] = o[n][2] = o[n][3] = 0;

    for (int t = (phase - at.unit % every + every) % every; t < count; t += every) {
      const int key = at.key(sub) + t * TILE;
      if (!at.sees(key)) continue;
      refill();
      wait_for_oldest(a.stages);
      __syncwarp();
      float s[2][4] = {};
#pragma unroll
      for (int k = 0; k < K16; k += STEP) {
        uint32_t b[STEP][4];
        P::keys(b, kAt + slot * STAGE<P>, k, lane);
#pragma unroll
        for (int i = 0; i < STEP && k + i < K16; i++) {
          if (!Q_IN_REGISTERS) ldmatrix4(q[0], qAt + (k + i) * 32);
          P::multiply(s[0], q[Q_IN_REGISTERS ? k + i : 0], b[i][0], b[i][1]);
          P::multiply(s[1], q[Q_IN_REGISTERS ? k + i : 0], b[i][2], b[i][3]);
        }
      }
      const bool whole = key >= at.low && key + CHUNK <= at.len;
#pragma unroll
      for (int n = 0; n < 2; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          int j = key + n * 8 + (lane & 3) * 2 + (i & 1);
          s[n][i] = logit2(s[n][i], a.scale, a.softCap);
          if (!whole && (j < at.low || j >= at.len)) s[n][i] = NEG_INF;
        }
      float alpha[2];
#pragma unroll
      for (int r = 0; r < 2; r++) {
        float top = fmaxf(fmaxf(s[0][2 * r], s[0][2 * r + 1]), fmaxf(s[1][2 * r], s[1][2 * r + 1]));
        top = fmaxf(m[r], quad_max(top));
        alpha[r] = exp2_fast(m[r] - top);
        m[r] = top;
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
          for (int i = 2 * r; i < 2 * r + 2; i++) s[n][i] = exp2_fast(s[n][i] - top);
        l[r] = l[r] * alpha[r] + ((s[0][2 * r] + s[0][2 * r + 1]) + (s[1][2 * r] + s[1][2 * r + 1]));
      }
      if (__any_sync(FULL_WARP, alpha[0] != 1.f || alpha[1] != 1.f)) {
#pragma unroll
        for (int n = 0; n < 2 * K16; n++) {
          o[n][0] *= alpha[0];
          o[n][1] *= alpha[0];
          o[n][2] *= alpha[1];
          o[n][3] *= alpha[1];
        }
      }
      const uint32_t p[4] = {P::pack(s[0][0], s[0][1]), P::pack(s[0][2], s[0][3]),
                             P::pack(s[1][0], s[1][1]), P::pack(s[1][2], s[1][3])};
#pragma unroll
      for (int n = 0; n < K16; n += STEP) {
        uint32_t b[STEP][4];
        P::values(b, vAt + slot * STAGE<P>, n, lane);
#pragma unroll
        for (int i = 0; i < STEP && n + i < K16; i++) {
          P::multiply(o[2 * (n + i)], p, b[i][0], b[i][1]);
          P::multiply(o[2 * (n + i) + 1], p, b[i][2], b[i][3]);
        }
      }
      freed = true;
    }

    // The warps' results meet in shared memory: each lies in the slot that its warp has just read, or, as FP8 slots are too
    // small, in a place of its own.
    __syncwarp();
    const int g = lane >> 2;
    unsigned char* place = P::FP8 ? results + warp * RESULT<D> : stages + slot * STAGE<P>;
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float sum = quad_sum(l[r]);
      if ((lane & 3) == 0) ml[warp * ROWS + g + 8 * r] = make_float2(m[r], sum);
      if (freed && g + 8 * r < rowsPer) {
        float* mine = reinterpret_cast<float*>(place) + (g + 8 * r) * (D + 8);
#pragma unroll
        for (int n = 0; n < K16; n++)
          P::put_result(mine + 16 * n, o[2 * n][2 * r], o[2 * n][2 * r + 1], o[2 * n + 1][2 * r], o[2 * n + 1][2 * r + 1], lane);
      }
    }
    if (lane == 0) slots[warp] = (int)(place - smem);
    __syncthreads();

    const Cursor done = at;
    const int first = done.head % rowTiles * rowsPer, rows = min(rowsPer, group - first);
    const int h0 = done.head / rowTiles * group + first;
    const bool cutBefore = done.tile > 0, cut = cutBefore || count < done.tiles;
    bf16* out = a.out + (size_t)done.row * a.outStride + h0 * D;
    const size_t partial = (size_t)(2 * blockIdx.x + (cutBefore ? 0 : 1)) * ROWS;
    float2* allMl = reinterpret_cast<float2*>(a.scratch + (size_t)gridDim.x * 2 * ROWS * D);
    for (int i = tid; i < rows * (D / 4); i += blockDim.x) {
      int row = i / (D / 4), col = i % (D / 4) * 4;
      float top = NEG_INF, sum = 0, v[4] = {};
      for (int w = 0; w < warps; w++) top = fmaxf(top, ml[w * ROWS + row].x);
      for (int w = 0; w < warps; w++) {
        float2 t = ml[w * ROWS + row];
        if (t.x == NEG_INF) continue;  // no chunk: nothing lies in the slot
        float f = exp2_fast(t.x - top);
        float4 x = *reinterpret_cast<float4*>(smem + slots[w] + (row * (D + 8) + col) * 4);
        sum += f * t.y;
        v[0] += f * x.x;
        v[1] += f * x.y;
        v[2] += f * x.z;
        v[3] += f * x.w;
      }
      if (cut) {
        *reinterpret_cast<float4*>(a.scratch + (partial + row) * D + col) = make_float4(v[0], v[1], v[2], v[3]);
        if (col == 0) allMl[partial + row] = make_float2(top, sum);
      } else {
        float factor, inverse = inverse_sum(top, sum, a.sinks, h0 + row, factor);
        if (P::FP8) inverse *= a.valueScale;
        store4(out + row * D + col, v, inverse);
      }
    }
    skip(at, count);
    if (at.unit < end) {
      at.settle(a, heads);
      load_q(at);
    }
    if (cut) __threadfence();
    __syncthreads();
    refill();
    if (!cut) continue;

    // The CTA that finishes a pair last merges its pieces, in their order whoever comes last.
    const int unit = heads * a.tileStart[done.entry] + done.head * done.tiles;
    const int firstCta = split.owner(unit), pieces = split.owner(unit + done.tiles - 1) - firstCta + 1;
    if (tid == 0) {
      bool last = atomicAdd(a.counters + firstCta, 1) == pieces - 1;
      if (last) a.counters[firstCta] = 0;
      __threadfence();
      shared[1] = last;
    }
    __syncthreads();
    if (!shared[1]) continue;
    merge_pieces<D>(a, out, firstCta, pieces, rows, h0);
  }
}

}  // namespace decode
}  // namespace attention

#define QUIRE_PAGED_DECODE(NAME, D, PAGES, VALUE_SCALE, ...)                                                            \
  extern "C" __global__ void __launch_bounds__(256, 1) NAME(                                                            \
      bf16* out, int outStride, const bf16* q, int qStride, const attention::PAGES<D>::Element* kCache,                 \
      const attention::PAGES<D>::Element* vCache, int blockSize, const int* cuSeqlensQ, const int* seqLens,             \
      const int* blockTableStart, const int* blockTables, const int* decodeSeqs, const int* tileStart, int nD,          \
      float* scratch, int* counters, int numHeads, int numKvHeads, float scale, int slidingWindow, float softCap,       \
      const float* sinks, int stages, int early __VA_ARGS__) {                                                          \
    attention::decode::run<D, attention::PAGES<D>>(                                                                     \
        {out, q, kCache, vCache, cuSeqlensQ, seqLens, blockTableStart, blockTables, decodeSeqs, tileStart, scratch,     \
         counters, sinks, outStride, qStride, 31 - __clz(blockSize), nD, numHeads, numKvHeads, slidingWindow, stages,   \
         early, scale, softCap, VALUE_SCALE});                                                                          \
  }
#define QUIRE_PAGED_DECODE_BOTH(D)                                   \
  QUIRE_PAGED_DECODE(paged_decode_bf16_d##D, D, Bf16Pages, 1.f, )    \
  QUIRE_PAGED_DECODE(paged_decode_fp8_d##D, D, Fp8Pages, valueScale, , float valueScale)
QUIRE_PAGED_DECODE_BOTH(64)
QUIRE_PAGED_DECODE_BOTH(80)
QUIRE_PAGED_DECODE_BOTH(96)
QUIRE_PAGED_DECODE_BOTH(128)
QUIRE_PAGED_DECODE_BOTH(256)
#undef QUIRE_PAGED_DECODE_BOTH
#undef QUIRE_PAGED_DECODE
