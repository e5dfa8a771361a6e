// Varlen causal prefill attention over the paged KV cache on Hopper.
//
// Formula  out[t, h] = sum_j softmax_j(scale q[t, h] . k[j]) v[j] over the keys j that row t sees (causal, sliding
//          window), optionally s = cap tanh(s / cap), optionally exp(sinks[h]) added to the denominator.
// Shapes   TODO
#pragma once
#include "attention_sm90.cuh"

namespace sm90_attention {

template <int WIDTH_, int GROUPS_, int BN_, int STAGES_, bool TURNS_>
struct Config {
  static constexpr int WIDTH = WIDTH_;                  // columns of a head that take part in the products
  static constexpr int D = (WIDTH_ + 63) / 64 * 64;     // columns of a head in shared memory
  static constexpr int GROUPS = GROUPS_;  // consumer warpgroups
  static constexpr int BN = BN_;          // keys of a tile
  static constexpr int STAGES = STAGES_;  // of the K ring and of the V ring
  static constexpr bool TURNS = TURNS_;   // warpgroups take turns at the tensor cores
  static constexpr int BM = 64 * GROUPS;
  static constexpr int COLUMN_BLOCKS = D / 64;
  static constexpr int KV_BYTES = BN * D * 2;
  static constexpr int THREADS = 128 * (GROUPS + 1);
  static constexpr int CONSUMER_WARPS = 4 * GROUPS;
  static constexpr int PRODUCER_REGISTERS = GROUPS == 2 ? 40 : 32;
  static constexpr int CONSUMER_REGISTERS = GROUPS == 2 ? 232 : 160;
  static constexpr int SHARED = 1024 + BM * D * 2 + 2 * STAGES * KV_BYTES + 256;
};

struct Params {
  bf16* out;
  int outStride;
  int headDim, blockSize;
  const int *cuSeqlensQ, *seqLens, *blockTableStart, *blockTables;
  const int2* items;
  int numItems, numHeads, numKvHeads, headsPerTile;
  float scale;
  int slidingWindow;
  float softCap;
  const float* sinks;
  int* counter;
};

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

struct Barriers {
  static constexpr int MAX_STAGES = 4;
  uint64_t kFull[MAX_STAGES], kEmpty[MAX_STAGES], vFull[MAX_STAGES], vEmpty[MAX_STAGES];
  uint64_t qFull, qEmpty, tail;
  int tile;  // what the Q in shared memory belongs to; written before qFull, -1 ends the consumers
};

// One tile: rows of one sequence times `headsPerTile` query heads of one KV head, and the key tiles that they see.
struct Work {
  int sequence, row, tokens;       // first row in the packed batch, rows of the sequence in this tile
  int firstHead, kvHead;
  int firstPosition, lastPosition, length;
  int lowestKey, beginTile, endTile;

  template <class C>
  static __device__ __forceinline__ Work of(const Params& p, int tile) {
    Work w;
    int headTiles = p.numHeads / p.headsPerTile;
    int2 item = p.items[tile / headTiles];
    w.firstHead = (tile % headTiles) * p.headsPerTile;
    w.kvHead = w.firstHead / (p.numHeads / p.numKvHeads);
    w.sequence = item.x;
    int start = p.cuSeqlensQ[item.x], rows = p.cuSeqlensQ[item.x + 1] - start;
    w.length = p.seqLens[item.x];
    w.row = start + item.y;
    w.tokens = min(C::BM / p.headsPerTile, rows - item.y);
    w.firstPosition = w.length - rows + item.y;
    w.lastPosition = w.firstPosition + w.tokens - 1;
    w.lowestKey = p.slidingWindow > 0 ? max(0, w.firstPosition - p.slidingWindow + 1) : 0;
    w.beginTile = w.lowestKey / C::BN;
    w.endTile = w.lastPosition / C::BN + 1;
    return w;
  }
};

__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
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

// One warp loads everything: lane l copies the box (page l / COLUMN_BLOCKS, columns l % COLUMN_BLOCKS) of a key tile.
template <class C>
struct Producer {
  const Params& p;
  const CUtensorMap *qMap, *kMap, *vMap;
  Barriers* bars;
  uint32_t qShared, kShared, vShared;
  int lane, pageInTile, columns;
  bool active;

  __device__ __forceinline__ void load_k(const Work& w, int block, uint32_t index) {
    uint32_t stage = index % C::STAGES;
    barrier_wait(&bars->kEmpty[stage], (index / C::STAGES & 1) ^ 1);
    if (lane == 0) barrier_expect(&bars->kFull[stage], C::KV_BYTES);
    __syncwarp();
    if (active)
      copy_4d(kShared + stage * C::KV_BYTES + columns * (C::BN * 128) + pageInTile * p.blockSize * 128, kMap,
              &bars->kFull[stage], columns * 64, 0, w.kvHead, block);
  }

  // The rows of the last page at and after `length` may hold NaN, which 0 * NaN would carry into the output: they are
  // cleared here, between the arrival of the copy (on a barrier of its own) and the release of the stage to the consumers.
  __device__ __forceinline__ void load_v(const Work& w, int block, uint32_t index, int tailRow, int tailRows, uint32_t& tails) {
    uint32_t stage = index % C::STAGES, to = vShared + stage * C::KV_BYTES;
    barrier_wait(&bars->vEmpty[stage], (index / C::STAGES & 1) ^ 1);
    uint64_t* bar = tailRows ? &bars->tail : &bars->vFull[stage];
    if (lane == 0) barrier_expect(bar, C::KV_BYTES);
    __syncwarp();
    if (active)
      copy_4d(to + columns * (C::BN * 128) + pageInTile * p.blockSize * 128, vMap, bar, columns * 64, 0, w.kvHead, block);
    if (tailRows) {
      barrier_wait(bar, tails++ & 1);
      for (int i = lane; i < tailRows * 8 * C::COLUMN_BLOCKS; i += WARP) {
        int column = i / (tailRows * 8);
        asm volatile("st.shared.v4.b32 [%0], {%1, %1, %1, %1};" ::"r"(to + column * (C::BN * 128) + tailRow * 128 +
                                                                     (i - column * tailRows * 8) * 16),
                     "r"(0)
                     : "memory");
      }
      fence_async_shared();
      __syncwarp();
      if (lane == 0) barrier_arrive(&bars->vFull[stage]);
    }
  }

  __device__ __forceinline__ void run() {
    const int headTiles = p.numHeads / p.headsPerTile, numTiles = p.numItems * headTiles;
    const int pagesPerTile = C::BN / p.blockSize, tokensPerTile = C::BM / p.headsPerTile;
    pageInTile = lane / C::COLUMN_BLOCKS;
    columns = lane % C::COLUMN_BLOCKS;
    active = pageInTile < pagesPerTile;
    uint32_t index = 0, works = 0, tails = 0;
    for (int tile = blockIdx.x; tile < numTiles;) {
      int next = 0;
      if (lane == 0) next = gridDim.x + atomicAdd(p.counter, 1);
      const Work w = Work::of<C>(p, tile);
      const int* table = p.blockTables + p.blockTableStart[w.sequence];
      const int firstPage = w.lowestKey / p.blockSize, endPage = w.lastPosition / p.blockSize + 1;
      // Pages that no row needs are filled with zeros: block -1 is outside the tensor.
      auto block_of = [&](int n) {
        int page = n * pagesPerTile + pageInTile;
        return active && page >= firstPage && page < endPage ? table[page] : -1;
      };
      int n = w.endTile - 1;
      int block = block_of(n), following = n > w.beginTile ? block_of(n - 1) : -1;
      int tailRow = 0, tailRows = 0;
      if (w.length % p.blockSize && w.length / p.blockSize == endPage - 1) {
        tailRow = w.length - n * C::BN;
        tailRows = p.blockSize - w.length % p.blockSize;
      }
      load_k(w, block, index);
      barrier_wait(&bars->qEmpty, (works & 1) ^ 1);
      if (lane == 0) {
        bars->tile = tile;
        barrier_expect(&bars->qFull, tokensPerTile * p.headsPerTile * C::D * 2);
      }
      __syncwarp();
      if (lane < C::COLUMN_BLOCKS)
        copy_3d(qShared + lane * (C::BM * 128), qMap, &bars->qFull, lane * 64, w.firstHead, w.row);
      works++;
      for (; n >= w.beginTile; n--, index++) {
        int later = n - 2 >= w.beginTile ? block_of(n - 2) : -1;
        if (n > w.beginTile) load_k(w, following, index + 1);
        load_v(w, block, index, tailRow, tailRows, tails);
        tailRows = 0;
        block = following;
        following = later;
      }
      tile = __shfl_sync(FULL_WARP, next, 0);
    }
    barrier_wait(&bars->qEmpty, (works & 1) ^ 1);
    if (lane == 0) {
      bars->tile = -1;
      barrier_arrive(&bars->qFull);
      // The last block to finish leaves the counters at zero for the next launch.
      if (atomicAdd(p.counter + 1, 1) == (int)gridDim.x - 1) {
        atomicExch(p.counter, 0);
        atomicExch(p.counter + 1, 0);
      }
    }
  }
};

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
  float factor;  // scores times this are exponents of two
  uint32_t index;

  __device__ __forceinline__ void scores() {
    uint32_t k = kShared + index % C::STAGES * C::KV_BYTES;
#pragma unroll
    for (int i = 0; i < C::WIDTH / 16; i++) {
      uint32_t inner = i % 4 * 32;
      product_shared(s, matrix_descriptor(qShared + i / 4 * (C::BM * 128) + inner, 16),
                     matrix_descriptor(k + i / 4 * (C::BN * 128) + inner, 16), i > 0);
    }
  }

  __device__ __forceinline__ void accumulate(uint32_t of) {
    uint32_t v = vShared + of % C::STAGES * C::KV_BYTES;
#pragma unroll
    for (int i = 0; i < C::BN / 16; i++)
      product_registers(o, probs[4 * i], probs[4 * i + 1], probs[4 * i + 2], probs[4 * i + 3],
                        matrix_descriptor(v + i * 2048, C::BN * 128));
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

  // Scores to probabilities relative to the new maximum; returns by how much earlier sums and outputs shrink.
  __device__ __forceinline__ void softmax(float (&shrink)[2]) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float m0 = s[2 * r], m1 = s[2 * r + 1];
#pragma unroll
      for (int c = 1; c < KEY_CHUNKS; c++) {
        m0 = fmaxf(m0, s[4 * c + 2 * r]);
        m1 = fmaxf(m1, s[4 * c + 2 * r + 1]);
      }
      float m = fmaxf(top[r], quad_max(fmaxf(m0, m1)));
      float base = m == -INFINITY ? 0.f : m * factor;
      shrink[r] = exp2_fast(top[r] * factor - base);
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
    softmax(shrink);
    mma_wait<0>();
    pin(o);
    pin(s);
    release(&bars->vEmpty[before % C::STAGES]);
    pack();
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
    for (uint32_t works = 0;; works++) {
      barrier_wait(&bars->qFull, works & 1);
      int tile = *(volatile int*)&bars->tile;
      if (tile < 0) break;
      const Work w = Work::of<C>(p, tile);
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
  extern __shared__ uint8_t sm90_attention_shared[];
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
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    fence_async_shared();
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

#endif

}  // namespace sm90_attention

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
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

A90_KERNEL(sm90_prefill_bf16_d64, Config<64, 3, 128, 3, true>)
A90_KERNEL(sm90_prefill_bf16_d128, Config<128, 2, 128, 2, true>)
A90_KERNEL(sm90_prefill_bf16_d256, Config<256, 2, 64, 2, false>)

#ifdef SM90_PREFILL_VARIANTS
A90_KERNEL(v128_free, Config<128, 2, 128, 2, false>)
A90_KERNEL(v128_3st, Config<128, 2, 128, 3, true>)
A90_KERNEL(v128_bm192, Config<128, 3, 64, 3, true>)
A90_KERNEL(v128_bm192free, Config<128, 3, 64, 3, false>)
A90_KERNEL(v80, Config<80, 2, 128, 2, true>)
A90_KERNEL(v96, Config<96, 2, 128, 2, true>)
A90_KERNEL(v64_bm128, Config<64, 2, 128, 3, true>)
A90_KERNEL(v64_free, Config<64, 3, 128, 3, false>)
A90_KERNEL(v64_192, Config<64, 2, 192, 3, true>)
#endif

#undef A90_KERNEL
#undef A90_BODY
