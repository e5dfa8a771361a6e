// The tiles of the prefill attention: shapes, division of the work, and the warp that loads Q, K and V.
#pragma once
#include "attention_sm90.cuh"

namespace sm90_attention {

template <int WIDTH_, int GROUPS_, int BN_, int STAGES_, bool TURNS_, bool LAZY_ = false>
struct Config {
  static constexpr int WIDTH = WIDTH_;    // columns of a head that take part in the products
  static constexpr int D = (WIDTH_ + 63) / 64 * 64;  // columns of a head in shared memory
  static constexpr int GROUPS = GROUPS_;  // consumer warpgroups
  static constexpr int BN = BN_;          // keys of a tile
  static constexpr int STAGES = STAGES_;  // of the K ring and of the V ring
  static constexpr bool TURNS = TURNS_;   // warpgroups take turns at the tensor cores
  static constexpr bool LAZY = LAZY_;     // the maximum follows the scores only when they outgrow it by 2^8
  static constexpr int BM = 64 * GROUPS;
  static constexpr int COLUMN_BLOCKS = D / 64;
  static constexpr int KV_BYTES = BN * D * 2;
  static constexpr int THREADS = 128 * (GROUPS + 1);
  static constexpr int CONSUMER_WARPS = 4 * GROUPS;
  static constexpr int PRODUCER_REGISTERS = GROUPS == 2 ? 40 : 32;
  static constexpr int CONSUMER_REGISTERS = GROUPS == 2 ? 232 : 160;
  static constexpr int SHARED = 1024 + BM * D * 2 + 2 * STAGES * KV_BYTES + 256;
};

typedef Config<64, 3, 128, 3, true> D64;
typedef Config<128, 2, 128, 2, true> D128;
typedef Config<256, 2, 64, 2, false> D256;

// The host knows these numbers from the header of attention_sm90.cu.
static_assert(D64::BM == 192 && D64::THREADS == 512 && D64::SHARED == 124160, "launch contract");
static_assert(D128::BM == 128 && D128::THREADS == 384 && D128::SHARED == 165120, "launch contract");
static_assert(D256::BM == 128 && D256::THREADS == 384 && D256::SHARED == 197888, "launch contract");

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

// One tile: rows of one sequence times `headsPerTile` query heads of one KV head, and the key tiles that they see.
struct Work {
  int sequence, row, tokens;  // first row in the packed batch, rows of the sequence in this tile
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

struct Barriers {
  static constexpr int MAX_STAGES = 4;
  uint64_t kFull[MAX_STAGES], kEmpty[MAX_STAGES], vFull[MAX_STAGES], vEmpty[MAX_STAGES];
  uint64_t qFull, qEmpty, tail;
  Work work;  // of the Q in shared memory: consumers need not wait for global memory; sequence -1 ends them
};
static_assert(sizeof(Barriers) <= 256, "room after the rings");

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
        clear16(to + column * (C::BN * 128) + tailRow * 128 + (i - column * tailRows * 8) * 16);
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
        bars->work = w;
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
      bars->work.sequence = -1;
      barrier_arrive(&bars->qFull);
      // The last block to finish leaves the counters at zero for the next launch.
      if (atomicAdd(p.counter + 1, 1) == (int)gridDim.x - 1) {
        atomicExch(p.counter, 0);
        atomicExch(p.counter + 1, 0);
      }
    }
  }
};

#endif

}  // namespace sm90_attention
