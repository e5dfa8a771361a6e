// Formula: logprob(id) = x[id] - max - log sum exp(x - max); rank = 1 + |{x > x[id]}|; the best n, ties by lower id.
// Shapes: logits f32 [rows, rowStride] or raw f32 [.., rawStride]; wanted LogprobRow[num]; results LogprobResult[num];
//   topIds int and topLogprobs float [num, topStride].
// Numerics: exp in f32, sums of floats in f64 in one order; within 1e-6 of the CPU, ids and ranks equal. Infinite maximum:
//   the logarithm counts the infinite. A row with NaN, and an id < 0, give rank 0 and NaN.
// Launch: grid (ceil(vocab / 8192), num), 512 threads, 128 * max(1, topStride) bytes of dynamic shared memory;
//   numTop <= topStride <= 32. Scratch: arrivals u32 [num], zeroed once; parts LogprobPart[num x tiles];
//   partKeys u64 [num x tiles x topStride].
// Bound: 4 bytes a logit.
// Source: own; each warp, block and row takes the best by repeated maximum, the last block of a row merges.
#pragma once
#include "sampling.cuh"

struct LogprobRow {
  int row;     // of ids, and of the logits where rawRow < 0
  int rawRow;  // of raw; -1: the logits are still raw
  int numTop;
  int pad;
};

struct LogprobResult {
  float logprob;
  int rank;  // 0: none
  float max;
  float pad;
  double logTotal;
};

struct LogprobPart {
  double sum;
  float max;
  unsigned greater;
};

namespace sampling {

constexpr int MAX_TOP = 32;

__device__ __forceinline__ float logprob_of(float x, float max, double log_total) {
  return (float)((x == max ? 0.0 : (double)x - max) - log_total);
}

// The best n keys of a warp's chunk, falling; 0 where there are no more.
__device__ __forceinline__ void chunk_top(const float (&v)[PER_LANE], int start, int vocab, int n,
                                          unsigned long long* out) {
  auto key = [&](int i) {
    int id = chunk_id(start, i);
    return id < vocab ? (unsigned long long)order_key(v[i]) << 32 | (unsigned)~id : 0ull;
  };
  unsigned long long most = 0, bound = ~0ull;
#pragma unroll
  for (int i = 0; i < PER_LANE; i++) most = max(most, key(i));
  for (int r = 0; r < n; r++) {
    unsigned long long top = warp_max_u64(most);
    if ((threadIdx.x & 31) == 0) out[r] = top;
    if (most == top) {
      bound = top;
      most = 0;
#pragma unroll
      for (int i = 0; i < PER_LANE; i++) {
        unsigned long long k = key(i);
        if (k < bound) most = max(most, k);
      }
    }
  }
}

// Merges up to 64 falling lists of n keys by one warp; load(list, i) reads one.
template <class Load, class Emit>
__device__ __forceinline__ void merge_top(int num_lists, int n, Load load, Emit emit) {
  int lane = threadIdx.x & 31, at[2] = {0, 0};
  unsigned long long head[2];
#pragma unroll
  for (int i = 0; i < 2; i++) head[i] = lane + 32 * i < num_lists && n > 0 ? load(lane + 32 * i, 0) : 0;
  for (int r = 0; r < n; r++) {
    unsigned long long top = warp_max_u64(max(head[0], head[1]));
    if (lane == 0) emit(r, top);
#pragma unroll
    for (int i = 0; i < 2; i++) {
      if (top && head[i] == top) {
        at[i]++;
        head[i] = at[i] < n ? load(lane + 32 * i, at[i]) : 0;
      }
    }
  }
}

}  // namespace sampling

extern "C" __global__ void __launch_bounds__(sampling::THREADS, 2)
    logprobs_f32(const float* logits, int rowStride, const float* raw, int rawStride, int vocab,
                 const LogprobRow* wanted, const int* ids, unsigned* arrivals, LogprobPart* parts,
                 unsigned long long* partKeys, int topStride, LogprobResult* results, int* topIds,
                 float* topLogprobs) {
  using namespace sampling;
  DYNAMIC_SHARED(unsigned char, logprobs_shared);
  unsigned long long* warp_keys = reinterpret_cast<unsigned long long*>(logprobs_shared);
  __shared__ float warp_max_of[WARPS];
  __shared__ double warp_sum_of[WARPS];
  __shared__ unsigned warp_greater[WARPS];
  let_next_start();
  wait_for_previous();
  LogprobRow want = wanted[blockIdx.y];
  int t = threadIdx.x, warp = t >> 5, lane = t & 31, tiles = gridDim.x;
  int id = ids[want.row], start = blockIdx.x * TILE + warp * CHUNK;
  const float* x = want.rawRow >= 0 ? raw + (size_t)want.rawRow * rawStride : logits + (size_t)want.row * rowStride;
  LogprobResult* result = results + blockIdx.y;
  if (id < 0) {
    if (blockIdx.x == 0 && t == 0) *result = {NAN, 0, NAN, 0.f, NAN};
    return;
  }
  float value = x[id], v[PER_LANE];
  load_chunk(x, vocab, start, v);
  float best = MINUS_INFINITY;
  unsigned greater = 0;
  bool nan = false;
#pragma unroll
  for (int i = 0; i < PER_LANE; i++) {
    nan |= v[i] != v[i];
    greater += v[i] > value;
    best = fmaxf(best, v[i]);
  }
  best = warp_max(best);
  float sum = 0.f;
#pragma unroll
  for (int i = 0; i < PER_LANE; i++) sum += v[i] == best ? 1.f : exact_exp(v[i] - best);
  if (best == MINUS_INFINITY) sum = 0.f;
  double wide = sum;
#pragma unroll
  for (int o = WARP / 2; o; o >>= 1) wide += __shfl_xor_sync(FULL_WARP, wide, o);
  greater = __reduce_add_sync(FULL_WARP, greater);
  nan = __any_sync(FULL_WARP, nan);
  if (lane == 0) {
    warp_max_of[warp] = nan ? NAN : best;
    warp_sum_of[warp] = wide;
    warp_greater[warp] = greater;
  }
  chunk_top(v, start, vocab, want.numTop, warp_keys + warp * topStride);
  __syncthreads();
  size_t part = (size_t)blockIdx.y * tiles + blockIdx.x;
  if (t < WARP) {
    // One warp combines, the same way here and over the tiles below.
    float m = lane < WARPS ? warp_max_of[lane] : MINUS_INFINITY;
    bool any_nan = __any_sync(FULL_WARP, m != m);
    float top = warp_max(m);
    double s = lane < WARPS && m != MINUS_INFINITY ? warp_sum_of[lane] * (m == top ? 1.0 : exp((double)m - top)) : 0.0;
    unsigned g = __reduce_add_sync(FULL_WARP, lane < WARPS ? warp_greater[lane] : 0u);
#pragma unroll
    for (int o = WARP / 2; o; o >>= 1) s += __shfl_xor_sync(FULL_WARP, s, o);
    if (lane == 0) parts[part] = {s, any_nan ? NAN : top, g};
    unsigned long long* keys = partKeys + part * topStride;
    merge_top(
        WARPS, want.numTop, [&](int list, int i) { return warp_keys[list * topStride + i]; },
        [&](int r, unsigned long long key) { keys[r] = key; });
  }
  if (!last_to_arrive(&arrivals[blockIdx.y], tiles) || t >= WARP) return;

  part = (size_t)blockIdx.y * tiles;
  float m[2];
#pragma unroll
  for (int i = 0; i < 2; i++) m[i] = lane + 32 * i < tiles ? __ldcg(&parts[part + lane + 32 * i].max) : MINUS_INFINITY;
  bool any_nan = __any_sync(FULL_WARP, m[0] != m[0] || m[1] != m[1]);
  float top = warp_max(fmaxf(m[0], m[1]));
  double s = 0;
  greater = 0;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    if (lane + 32 * i >= tiles) continue;
    const LogprobPart* p = &parts[part + lane + 32 * i];
    if (m[i] != MINUS_INFINITY) s += __ldcg(&p->sum) * (m[i] == top ? 1.0 : exp((double)m[i] - top));
    greater += __ldcg(&p->greater);
  }
  greater = __reduce_add_sync(FULL_WARP, greater);
#pragma unroll
  for (int o = WARP / 2; o; o >>= 1) s += __shfl_xor_sync(FULL_WARP, s, o);
  double log_total = top == MINUS_INFINITY ? NAN : log(s);
  if (any_nan) {
    if (lane == 0) *result = {NAN, 0, NAN, 0.f, NAN};
    return;
  }
  if (lane == 0) *result = {logprob_of(value, top, log_total), (int)greater + 1, top, 0.f, log_total};
  size_t at = (size_t)blockIdx.y * topStride;
  merge_top(
      tiles, want.numTop, [&](int list, int i) { return __ldcg(partKeys + (part + list) * topStride + i); },
      [&](int r, unsigned long long key) {
        topIds[at + r] = ~(int)(unsigned)key;
        topLogprobs[at + r] = logprob_of(key_value((unsigned)(key >> 32)), top, log_total);
      });
}
