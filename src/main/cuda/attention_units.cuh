// The work of paged decode attention: units of one key tile of one (entry, KV head, tile of query heads), and their
// division over a fixed grid whatever the lengths.
#pragma once
#include "attention_pages.cuh"

namespace attention {
namespace decode {

constexpr int TILE = 64;  // keys of one unit of work
constexpr int SUBS = TILE / CHUNK;
constexpr int ROWS = 16;  // query heads of one tensor-core tile

template <typename Element>
struct Args {
  bf16* out;
  const bf16* q;
  const Element *kCache, *vCache;
  const int *cuSeqlensQ, *seqLens, *blockTableStart, *blockTables, *decodeSeqs, *tileStart;
  float* scratch;
  int* counters;
  const float* sinks;
  int outStride, qStride, blockShift, nD, numHeads, numKvHeads, window, stages, early;
  float scale, softCap, valueScale;
};

// How all units are divided: CTA c < ctas takes `share` units, the first `rest` CTAs one more.
struct Split {
  int share, rest, ctas;
  __device__ int begin(int c) const { return c * share + min(c, rest); }
  __device__ int owner(int unit) const {
    int head = rest * (share + 1);
    return unit < head ? unit / (share + 1) : rest + (unit - head) / share;
  }
};

// A place in the sequence of units, ordered (entry, KV head, tile of query heads, tile of keys).
struct Cursor {
  int unit, entry, head, tile;                // tile counts from the entry's first
  int tiles, firstKey, low, len, row, table;  // keys [low, len) are seen; row of Q, start of the block table
  template <typename Element>
  __device__ void load(const Args<Element>& a, int seq) {
    tiles = a.tileStart[entry + 1] - a.tileStart[entry];
    len = a.seqLens[seq];
    row = a.cuSeqlensQ[seq];
    table = a.blockTableStart[seq];
    low = a.window > 0 ? max(0, len - a.window) : 0;
    firstKey = low / TILE * TILE;
  }
  // Forward until `tile` lies in the pair; the caller knows that the unit exists.
  template <typename Element>
  __device__ void settle(const Args<Element>& a, int heads) {
    while (tile >= tiles) {
      tile -= tiles;
      if (++head < heads) continue;
      head = 0;
      do entry++;
      while (a.tileStart[entry + 1] == a.tileStart[entry]);
      load(a, a.decodeSeqs[entry]);
    }
  }
  __device__ int key(int sub) const { return firstKey + tile * TILE + sub * CHUNK; }
  __device__ bool sees(int key) const { return key < len && key + CHUNK > low; }
};

}  // namespace decode
}  // namespace attention
