// Varlen causal prefill attention over the paged KV cache on Hopper.
//
// Formula  out[t, h] = sum_j softmax_j(scale q[t, h] . k[j]) v[j] over the keys j that row t sees (causal, sliding window);
//          softCap > 0: s = softCap tanh(s / softCap); sinks (or null): exp(sinks[h]) joins the denominator.
// Shapes   out bf16 [rows, outStride], q head h of row t read through qMap, written at out + t outStride + h headDim.
//          sm90_prefill_bf16_d64, _d128 (headDim 80, 96, 128) and _d256; blockSize 16, 32 or 64. blockTables is read for
//          the blocks that hold visible keys only.
// Tiles    A block of threads works on BM = 192 (_d64) or 128 rows: P = headsPerTile query heads of one KV head times the
//          next BM / P (rounded down) rows of one sequence. P divides numHeads / numKvHeads; the whole group reads K and V
//          least often. items[i] = (sequence, first row inside the sequence's rows, a multiple of BM / P), the most
//          expensive first: blocks take (item, head tile) pairs in that order from a common counter.
// Maps     bf16, 128-byte swizzle, no interleave, zero fill, element strides 1, innermost dimension first; strides in bytes:
//          qMap dims {headDim, numHeads, rows}, strides {2 headDim, 2 qStride}, box {64, P, BM / P}, its base the first
//          query column; `rows` may be the capacity of the buffer.
//          kMap, vMap dims {headDim, blockSize, numKvHeads, numBlocks}, strides {2 headDim, 2 headDim blockSize,
//          2 headDim blockSize numKvHeads}, box {64, blockSize, 1, 1}.
// Numerics f32 scores, sums and outputs, probabilities rounded to bf16: relative L2 error near 2e-3 (limit 5e-3). NaN in
//          unused slots does no harm: keys past the length are masked and their V rows cleared in shared memory.
// Launch   grid min(SMs, numItems numHeads / P), at least 1 item; block 512 (_d64) or 384; dynamic shared memory 124160
//          (_d64), 165120 (_d128), 197888 (_d256) bytes. counter: two ints, zero before the first launch and left at zero,
//          one pair for each stream. Out 16-byte aligned, outStride and qStride multiples of 8. PDL allowed.
// Bound    4 headDim flop for each row, head and visible key; K and V come from L2 but for the first tile that reads them.
// Source   FlashAttention-3 (Shah et al., 2024): warp specialization, ping-pong, the scores of a tile beside the output of
//          the one before.
#pragma once
#include "attention_sm90_tiles.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
namespace sm90_attention {

// Descriptor of a 128-byte-swizzled operand: groups of 8 rows are 1024 bytes apart; `blockStride` is the distance of
// blocks of 64 columns where the columns are the outer dimension of the product (V), and unused otherwise.
__device__ __forceinline__ uint64_t matrix_descriptor(uint32_t address, uint32_t blockStride) {
  return (uint64_t)((address & 0x3ffff) >> 4) | (uint64_t)(blockStride >> 4) << 16 | (uint64_t)(1024 >> 4) << 32 | 1ull << 62;
}

// The descriptor `bytes` further on. Only its low word changes, which keeps the way to the next product short.
__device__ __forceinline__ uint64_t advance(uint64_t descriptor, int bytes) {
  return (descriptor >> 32 << 32) | ((uint32_t)descriptor + (uint32_t)(bytes >> 4));
}

__device__ __forceinline__ uint32_t pack2(float a, float b) {
  bf162 v = __floats2bfloat162_rn(a, b);
  return *reinterpret_cast<uint32_t*>(&v);
}

__device__ __forceinline__ float quad_max(float v) {
  v = fmaxf(v, __shfl_xor_sync(FULL_WARP, v, 1));
  return fmaxf(v, __shfl_xor_sync(FULL_WARP, v, 2));
}

__device__ __forceinline__ float quad_sum(float v) {
  v += __shfl_xor_sync(FULL_WARP, v, 1);
  return v + __shfl_xor_sync(FULL_WARP, v, 2);
}

// One warpgroup, 64 rows. Thread (g = lane / 4, t = lane % 4) of a warp holds rows g and g + 8, columns 8c + 2t + {0, 1}.
template <class C>
struct Consumer {
  static constexpr int KEY_CHUNKS = C::BN / 8, OUT_CHUNKS = C::WIDTH / 8;
  const Params& p;
  Barriers* bars;
  uint32_t qShared, kShared, vShared;  // qShared: of this warpgroup's rows
  int group, lane, warp;
  float o[C::WIDTH / 2], s[C::BN / 2];
  uint32_t probs[C::BN / 4];
  float top[2], sum[2];  // running maximum (of unscaled scores) and this thread's part of the running sum
  int position[2];
  float slack, factor;  // scores times this are exponents of two
  uint32_t index;

  __device__ __forceinline__ void scores() {
    uint64_t q = matrix_descriptor(qShared, 16), k = matrix_descriptor(kShared + index % C::STAGES * C::KV_BYTES, 16);
#pragma unroll
    for (int i = 0; i < C::WIDTH / 16; i++) {
      const int inner = i % 4 * 32;
      product_shared(s, advance(q, i / 4 * (C::BM * 128) + inner), advance(k, i / 4 * (C::BN * 128) + inner), i > 0);
    }
  }

  __device__ __forceinline__ void accumulate(uint32_t of) {
    uint64_t v = matrix_descriptor(vShared + of % C::STAGES * C::KV_BYTES, C::BN * 128);
#pragma unroll
    for (int i = 0; i < C::BN / 16; i++)
      product_registers(o, probs[4 * i], probs[4 * i + 1], probs[4 * i + 2], probs[4 * i + 3],
                        advance(v, i * 2048));
  }

  __device__ __forceinline__ void cap() {
    if (p.softCap > 0) {
      // tanh by exp2 and a reciprocal: its absolute error stays near 1e-7, that of tanh.approx is 5e-4.
      float c = 2.f * 1.4426950408889634f * p.scale / p.softCap;
#pragma unroll
      for (int i = 0; i < C::BN / 2; i++) s[i] = 1.f - __fdividef(2.f, 1.f + exp2_fast(s[i] * c));
    }
  }

  __device__ __forceinline__ void mask(int n) {
    int column = n * C::BN + lane % 4 * 2;
    int high0 = position[0] - column, high1 = position[1] - column;
    int low0 = p.slidingWindow > 0 ? high0 - p.slidingWindow : -0x40000000;
    int low1 = p.slidingWindow > 0 ? high1 - p.slidingWindow : -0x40000000;
#pragma unroll
    for (int c = 0; c < KEY_CHUNKS; c++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        int j = 8 * c + e;
        if (j > high0 || j <= low0) s[4 * c + e] = -INFINITY;
        if (j > high1 || j <= low1) s[4 * c + 2 + e] = -INFINITY;
      }
  }

  // Scores to probabilities relative to the new maximum; tells whether and by how much earlier outputs shrink.
  __device__ __forceinline__ bool softmax(float (&shrink)[2]) {
    bool any = false;
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float m0 = s[2 * r], m1 = s[2 * r + 1];
#pragma unroll
      for (int c = 1; c < KEY_CHUNKS; c++) {
        m0 = fmaxf(m0, s[4 * c + 2 * r]);
        m1 = fmaxf(m1, s[4 * c + 2 * r + 1]);
      }
      float m = quad_max(fmaxf(m0, m1));
      if (C::LAZY) {
        bool grows = m > top[r] + slack;
        any |= grows;
        m = grows ? m : top[r];
      } else {
        m = fmaxf(top[r], m);
      }
      float base = m == -INFINITY ? 0.f : m * factor;
      shrink[r] = m == top[r] ? 1.f : exp2_fast(top[r] * factor - base);
      top[r] = m;
      float s0 = 0.f, s1 = 0.f;
#pragma unroll
      for (int c = 0; c < KEY_CHUNKS; c++) {
        float& x = s[4 * c + 2 * r];
        float& y = s[4 * c + 2 * r + 1];
        x = exp2_fast(fmaf(x, factor, -base));
        y = exp2_fast(fmaf(y, factor, -base));
        s0 += x;
        s1 += y;
      }
      sum[r] = fmaf(sum[r], shrink[r], s0 + s1);
    }
    return !C::LAZY || __any_sync(FULL_WARP, any);
  }

  __device__ __forceinline__ void pack() {
#pragma unroll
    for (int i = 0; i < C::BN / 4; i++) probs[i] = pack2(s[2 * i], s[2 * i + 1]);
  }

  __device__ __forceinline__ void release(uint64_t* bar) {
    if (lane == 0) barrier_arrive(bar);
  }

  // Scores of tile n run on the tensor cores together with the output of the tile before it, whose product still runs
  // while this tile's softmax is computed.
  template <bool MASKED>
  __device__ __forceinline__ void step(int n) {
    uint32_t before = index++;
    barrier_wait(&bars->kFull[index % C::STAGES], index / C::STAGES & 1);
    if (C::TURNS) named_sync(1 + group, 256);
    mma_fence();
    scores();
    mma_commit();
    barrier_wait(&bars->vFull[before % C::STAGES], before / C::STAGES & 1);
    mma_fence();
    accumulate(before);
    mma_commit();
    if (C::TURNS) named_arrive(1 + (group + 1) % C::GROUPS, 256);
    mma_wait<1>();
    pin(s);
    release(&bars->kEmpty[index % C::STAGES]);
    cap();
    if (MASKED) mask(n);
    float shrink[2];
    bool shrinks = softmax(shrink);
    stay_behind(p.numItems < 0);
    mma_wait<0>();
    pin(o);
    pin(s);
    release(&bars->vEmpty[before % C::STAGES]);
    pack();
    if (shrinks)
#pragma unroll
      for (int i = 0; i < C::WIDTH / 2; i++) o[i] *= shrink[i / 2 % 2];
  }

  __device__ __forceinline__ void store(const Work& w) {
    const int t = lane % 4;
#pragma unroll
    for (int r = 0; r < 2; r++) {
      int tileRow = group * 64 + warp * 16 + lane / 4 + 8 * r;
      int token = tileRow / p.headsPerTile, head = w.firstHead + tileRow % p.headsPerTile;
      float total = quad_sum(sum[r]);
      if (p.sinks) total += exp2_fast(p.sinks[min(head, p.numHeads - 1)] * 1.4426950408889634f - top[r] * factor);
      float inverse = 1.f / total;
      bf16* to = p.out + (size_t)(w.row + token) * p.outStride + head * p.headDim;
#pragma unroll
      for (int c = 0; c < OUT_CHUNKS; c += 4) {
        Bf16x8 u;
        uint32_t* v = &u.raw.x;
#pragma unroll
        for (int j = 0; j < 4; j++)
          v[j] = c + j < OUT_CHUNKS ? pack2(o[4 * (c + j) + 2 * r] * inverse, o[4 * (c + j) + 2 * r + 1] * inverse) : 0;
        // Transpose among four lanes: each gets the eight columns of one chunk.
#pragma unroll
        for (int bit = 1; bit <= 2; bit *= 2)
#pragma unroll
          for (int j = 0; j < 4; j++)
            if (!(j & bit)) {
              uint32_t got = __shfl_xor_sync(FULL_WARP, t & bit ? v[j] : v[j | bit], bit);
              if (t & bit) v[j] = got;
              else v[j | bit] = got;
            }
        int column = 8 * (c + t);
        if (token < w.tokens && column < p.headDim) store8(to + column, u);
      }
    }
  }

  __device__ __forceinline__ void run() {
    index = 0;
    factor = 1.4426950408889634f * (p.softCap > 0 ? p.softCap : p.scale);
    slack = 8.f / factor;
    for (uint32_t works = 0;; works++) {
      barrier_wait(&bars->qFull, works & 1);
      const Work w = bars->work;
      if (w.sequence < 0) break;
#pragma unroll
      for (int r = 0; r < 2; r++) {
        int token = (group * 64 + warp * 16 + lane / 4 + 8 * r) / p.headsPerTile;
        position[r] = min(w.firstPosition + token, w.lastPosition);
        top[r] = -INFINITY;
        sum[r] = 0.f;
      }
#pragma unroll
      for (int i = 0; i < C::WIDTH / 2; i++) o[i] = 0.f;
      int n = w.endTile - 1;
      barrier_wait(&bars->kFull[index % C::STAGES], index / C::STAGES & 1);
      mma_fence();
      scores();
      mma_commit();
      mma_wait<0>();
      pin(s);
      release(&bars->kEmpty[index % C::STAGES]);
      cap();
      mask(n);
      float shrink[2];
      softmax(shrink);
      pack();
      n--;
      const int firstFull = p.slidingWindow > 0 ? max(0, w.lastPosition - p.slidingWindow + C::BN) / C::BN : 0;
      for (; n >= w.beginTile && (n + 1) * C::BN - 1 > w.firstPosition; n--) step<true>(n);
      for (; n >= max(w.beginTile, firstFull); n--) step<false>(n);
      for (; n >= w.beginTile; n--) step<true>(n);
      release(&bars->qEmpty);
      barrier_wait(&bars->vFull[index % C::STAGES], index / C::STAGES & 1);
      mma_fence();
      accumulate(index);
      mma_commit();
      mma_wait<0>();
      pin(o);
      release(&bars->vEmpty[index % C::STAGES]);
      index++;
      store(w);
    }
  }
};

template <class C>
__device__ __forceinline__ void prefill(const Params& p, const CUtensorMap* qMap, const CUtensorMap* kMap,
                                        const CUtensorMap* vMap) {
  DYNAMIC_SHARED(uint8_t, sm90_attention_shared);
  let_next_start();
  uint8_t* base = (uint8_t*)(((uintptr_t)sm90_attention_shared + 1023) & ~(uintptr_t)1023);
  uint32_t q = shared_address(base), k = q + C::BM * C::D * 2, v = k + C::STAGES * C::KV_BYTES;
  Barriers* bars = (Barriers*)(base + C::BM * C::D * 2 + 2 * C::STAGES * C::KV_BYTES);
  int warp = __shfl_sync(FULL_WARP, threadIdx.x / WARP, 0), lane = threadIdx.x % WARP;
  if (threadIdx.x == 0) {
    for (int i = 0; i < C::STAGES; i++) {
      barrier_init(&bars->kFull[i], 1);
      barrier_init(&bars->kEmpty[i], C::CONSUMER_WARPS);
      barrier_init(&bars->vFull[i], 1);
      barrier_init(&bars->vEmpty[i], C::CONSUMER_WARPS);
    }
    barrier_init(&bars->qFull, 1);
    barrier_init(&bars->qEmpty, C::CONSUMER_WARPS);
    barrier_init(&bars->tail, 1);
    fence_barrier_init();
    prefetch_map(qMap);
    prefetch_map(kMap);
    prefetch_map(vMap);
  }
  wait_for_previous();
  __syncthreads();
  if (warp < 4) {
    fewer_registers<C::PRODUCER_REGISTERS>();
    if (warp == 0) {
      Producer<C> producer{p, qMap, kMap, vMap, bars, q, k, v, lane};
      producer.run();
    }
  } else {
    more_registers<C::CONSUMER_REGISTERS>();
    int group = warp / 4 - 1;
    // The first turn is the first warpgroup's.
    if (C::TURNS && group == C::GROUPS - 1) named_arrive(1, 256);
    Consumer<C> consumer{p, bars, q + group * 64 * 128, k, v, group, lane, warp % 4};
    consumer.run();
  }
}

}  // namespace sm90_attention

#define A90_BODY(...) \
  sm90_attention::prefill<__VA_ARGS__>( \
      sm90_attention::Params{out, outStride, headDim, blockSize, cuSeqlensQ, seqLens, blockTableStart, blockTables, items, \
                             numItems, numHeads, numKvHeads, headsPerTile, scale, slidingWindow, softCap, sinks, counter}, \
      &qMap, &kMap, &vMap);
#else
#define A90_BODY(...)
#endif

#define A90_KERNEL(NAME, ...)                                                                                          \
  extern "C" __global__ void __launch_bounds__(sm90_attention::__VA_ARGS__::THREADS, 1)                                \
      NAME(bf16* out, int outStride, const __grid_constant__ CUtensorMap qMap, const __grid_constant__ CUtensorMap kMap, \
           const __grid_constant__ CUtensorMap vMap, int headDim, int blockSize, const int* cuSeqlensQ,                \
           const int* seqLens, const int* blockTableStart, const int* blockTables, const int2* items, int numItems,    \
           int numHeads, int numKvHeads, int headsPerTile, float scale, int slidingWindow, float softCap,              \
           const float* sinks, int* counter) {                                                                         \
    A90_BODY(sm90_attention::__VA_ARGS__)                                                                              \
  }

A90_KERNEL(sm90_prefill_bf16_d64, D64)
A90_KERNEL(sm90_prefill_bf16_d128, D128)
A90_KERNEL(sm90_prefill_bf16_d256, D256)

#ifdef SM90_PREFILL_VARIANTS  // other shapes, for the benchmark to choose from
A90_KERNEL(v128_free, Config<128, 2, 128, 2, false>)
A90_KERNEL(v128_3st, Config<128, 2, 128, 3, true>)
A90_KERNEL(v128_lazy, Config<128, 2, 128, 2, true, true>)
A90_KERNEL(v128_freelazy, Config<128, 2, 128, 2, false, true>)
A90_KERNEL(v128_bm192, Config<128, 3, 64, 3, true>)
A90_KERNEL(v128_bm192free, Config<128, 3, 64, 3, false>)
A90_KERNEL(v80, Config<80, 2, 128, 2, true>)
A90_KERNEL(v96, Config<96, 2, 128, 2, true>)
A90_KERNEL(v64_bm128, Config<64, 2, 128, 3, true>)
A90_KERNEL(v64_free, Config<64, 3, 128, 3, false>)
A90_KERNEL(v64_lazy, Config<64, 3, 128, 3, true, true>)
A90_KERNEL(v64_192, Config<64, 2, 192, 3, true>)
A90_KERNEL(v256_lazy, Config<256, 2, 64, 2, false, true>)
#endif

#undef A90_KERNEL
#undef A90_BODY
