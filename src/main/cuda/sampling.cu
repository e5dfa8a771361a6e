// Formula: the Java interface SamplingKernels; weights are integers, so a GPU and a CPU draw the same ids.
// Shapes: logits f32 [rows, rowStride], vocab <= 2^19; rows SamplingRow[rows]; ids int[rows]; lastSampled int[slots].
// Numerics: exact.
// Launch: grid (splits, rows), splits = max(1, min(ceil(vocab / 8192), 528 / rows)), 512 threads, no dynamic shared
//   memory. A step is sampling_max_f32 alone where all rows are greedy; else sampling_max_f32, with top-k or top-p in
//   some row sampling_histogram_f32 and sampling_select_f32 (sampling_select.cu), sampling_draw_f32. Scratch: states
//   SamplingState[rows], zeroed once; chunkSums u64 [rows x ceil(vocab / 512)]. rows of null: all greedy without slots.
//   Fast where logits are 16-byte aligned and rowStride % 4 == 0.
// Bound: rows x vocab x 4 bytes for max, and again for draw.
// Source: own; no sort, the last block of a row finishes each phase.
#pragma once
#include "sampling.cuh"

namespace sampling {

__device__ __forceinline__ void finish_row(int row, int id, const SamplingRow* rows, int* ids, int* last_sampled) {
  ids[row] = id;
  int slot = rows && last_sampled ? rows[row].slot : -1;
  if (slot >= 0) last_sampled[slot] = id;
}

// Over the block; valid in thread 0. A barrier is inside.
__device__ __forceinline__ unsigned long long block_max_u64(unsigned long long v, unsigned long long* scratch) {
  v = warp_max_u64(v);
  if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = v;
  __syncthreads();
  return threadIdx.x < WARP ? warp_max_u64(threadIdx.x < WARPS ? scratch[threadIdx.x] : 0) : 0;
}

__device__ __forceinline__ void begin_draw(SamplingState& s, const SamplingRow& row, unsigned max_key) {
  s.max_key = max_key;
  s.threshold_key = 0;
  s.last_id = 0x7fffffff;
  s.phase = row.topK > 0 || row.topP < 1.f ? HISTOGRAM : DRAW;
}

// Units of the chunks of the tiles first, first + step, ... under units_of(x, id).
template <class UnitsOf>
__device__ __forceinline__ void sum_chunks(const float* x, int vocab, int first, int step, UnitsOf units_of,
                                           unsigned long long* chunk_sums) {
  for (int tile = first; tile < num_tiles(vocab); tile += step) {
    int start = tile * TILE + (threadIdx.x >> 5) * CHUNK;
    float v[PER_LANE];
    load_chunk(x, vocab, start, v);
    unsigned long long sum = 0;
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) sum += units_of(v[i], chunk_id(start, i));
    sum = warp_sum_u64(sum);
    if ((threadIdx.x & 31) == 0 && start < vocab) chunk_sums[start / CHUNK] = sum;
  }
}

// The first id at which the running sum exceeds target_of(total); -1 when nothing does. In every thread.
template <class UnitsOf, class TargetOf>
__device__ __forceinline__ int pick(const float* x, int vocab, UnitsOf units_of, const unsigned long long* chunk_sums,
                                    unsigned long long* scratch, TargetOf target_of) {
  __shared__ int found;
  __shared__ int chunk;
  __shared__ unsigned long long left;
  int t = threadIdx.x, chunks = (vocab + CHUNK - 1) / CHUNK;
  unsigned long long a = 2 * t < chunks ? __ldcg(chunk_sums + 2 * t) : 0;
  unsigned long long b = 2 * t + 1 < chunks ? __ldcg(chunk_sums + 2 * t + 1) : 0;
  unsigned long long total, end = block_scan_u64(a + b, scratch, total);
  unsigned long long target = target_of(total), begin = end - a - b;
  if (t == 0) {
    found = -1;
    chunk = -1;
  }
  __syncthreads();
  if (begin <= target && target < end) {
    bool second = begin + a <= target;
    chunk = 2 * t + second;
    left = target - begin - (second ? a : 0);
  }
  __syncthreads();
  if (t < WARP && chunk >= 0) {
    int id = chunk * CHUNK + t * PER_LANE;
    unsigned long long own = 0;
    for (int i = 0; i < PER_LANE; i++) own += id + i < vocab ? units_of(x[id + i], id + i) : 0;
    unsigned long long sum = warp_scan_u64(own) - own;
    if (sum <= left && left < sum + own) {
      while (true) {
        sum += units_of(x[id], id);
        if (sum > left) break;
        id++;
      }
      found = id;
    }
  }
  __syncthreads();
  return found;
}

}  // namespace sampling

extern "C" __global__ void __launch_bounds__(sampling::THREADS, 2)
    sampling_max_f32(const float* logits, int rowStride, int vocab, const SamplingRow* rows, SamplingState* states,
                     int* ids, int* lastSampled) {
  using namespace sampling;
  __shared__ unsigned long long scratch[WARPS];
  let_next_start();
  wait_for_previous();
  int row = blockIdx.y;
  const float* x = logits + (size_t)row * rowStride;
  float best = MINUS_INFINITY;
  int best_id = 0x7fffffff;
  bool nan = false;
  for (int tile = blockIdx.x; tile < num_tiles(vocab); tile += gridDim.x) {
    int start = tile * TILE + (threadIdx.x >> 5) * CHUNK;
    float v[PER_LANE];
    load_chunk(x, vocab, start, v);
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
      nan |= v[i] != v[i];
      best_id = v[i] > best ? chunk_id(start, i) : best_id;
      best = v[i] > best ? v[i] : best;
    }
  }
  unsigned key = nan ? NAN_KEY : order_key(best);
  unsigned long long most = block_max_u64((unsigned long long)key << 32 | (unsigned)~best_id, scratch);
  if (threadIdx.x > 0) return;
  SamplingState& s = states[row];
  if (gridDim.x > 1) {
    atomicMax(&s.best, most);
    __threadfence();
    if (atomicInc(&s.arrivals, gridDim.x - 1) < gridDim.x - 1) return;
    most = atomicExch(&s.best, 0ull);
  }
  unsigned max_key = (unsigned)(most >> 32);
  bool none = max_key > PLUS_INFINITY_KEY || max_key <= MINUS_INFINITY_KEY;
  if (none || !rows || rows[row].temperature == 0.f) {
    finish_row(row, none ? -1 : ~(int)(unsigned)most, rows, ids, lastSampled);
    s.phase = DONE;
  } else {
    begin_draw(s, rows[row], max_key);
  }
}

extern "C" __global__ void __launch_bounds__(sampling::THREADS, 2)
    sampling_draw_f32(const float* logits, int rowStride, int vocab, const SamplingRow* rows, SamplingState* states,
                      unsigned long long* chunkSums, int* ids, int* lastSampled) {
  using namespace sampling;
  __shared__ unsigned long long scratch[WARPS];
  let_next_start();
  wait_for_previous();
  int row = blockIdx.y;
  SamplingState& s = states[row];
  if (s.phase != DRAW) return;
  const SamplingRow& params = rows[row];
  Weigher weigher(params, s.max_key);
  unsigned threshold = s.threshold_key;
  int last_id = s.last_id;
  auto units_of = [&](float value, int id) {
    unsigned key = order_key(value);
    return key > threshold || (key == threshold && id <= last_id) ? weigher.units(value) : 0ull;
  };
  const float* x = logits + (size_t)row * rowStride;
  chunkSums += (size_t)row * ((vocab + CHUNK - 1) / CHUNK);
  sum_chunks(x, vocab, blockIdx.x, gridDim.x, units_of, chunkSums);
  if (!last_to_arrive(&s.arrivals, gridDim.x)) return;
  unsigned long long bits = philox(params.seed, params.counter);
  int id = pick(x, vocab, units_of, chunkSums, scratch,
                [&](unsigned long long total) { return __umul64hi(bits, total); });
  if (threadIdx.x == 0) finish_row(row, id, rows, ids, lastSampled);
}
