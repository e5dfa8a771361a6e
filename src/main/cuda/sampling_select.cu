// Formula: what top-k and top-p keep of a row, as the Java interface SamplingKernels words it: a least key and a last id.
// Shapes, numerics, grid and block: as in sampling.cu, between sampling_max_f32 and sampling_draw_f32.
// Launch: scratch, not zeroed: counts u32 and sums u64 [rows x splits x 1024], list u64 [rows x 4096].
// Bound: rows x vocab x 4 bytes each.
// Source: own. A histogram over the distance from the maximum finds the bins in which the last kept tokens are; these
//   tokens are listed and sorted, or, where they are too many, found by radix.
#pragma once
#include "sampling.cu"

namespace sampling {

constexpr int LOW_BITS = 19;

// Counts and sums by bin over the tiles first, first + step, ...; the thread keeps bins 2 t and 2 t + 1. bin_of(x, units)
// says the bin and the units of a logit, or a negative number. `bins` holds three times 1024 words: counts, sums of the low
// 19 bits and of the others, which one tile cannot overflow; 64-bit additions to shared memory would be loops.
template <class BinOf>
__device__ __forceinline__ void histogram(const float* x, int vocab, int first, int step, BinOf bin_of,
                                          unsigned* bins, unsigned (&count)[2], unsigned long long (&sum)[2]) {
  int t = threadIdx.x;
  count[0] = count[1] = 0;
  sum[0] = sum[1] = 0;
  __syncthreads();
  for (int i = t; i < 3 * NUM_BINS; i += THREADS) bins[i] = 0;
  for (int tile = first; tile < num_tiles(vocab); tile += step) {
    float v[PER_LANE];
    load_chunk(x, vocab, tile * TILE + (t >> 5) * CHUNK, v);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
      unsigned long long units;
      int bin = bin_of(v[i], units);
      if (bin >= 0) {
        atomicAdd(&bins[bin], 1u);
        atomicAdd(&bins[NUM_BINS + bin], (unsigned)units & ((1u << LOW_BITS) - 1));
        atomicAdd(&bins[2 * NUM_BINS + bin], (unsigned)(units >> LOW_BITS));
      }
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 2; i++) {
      int bin = 2 * t + i;
      count[i] += bins[bin];
      sum[i] += bins[NUM_BINS + bin] + ((unsigned long long)bins[2 * NUM_BINS + bin] << LOW_BITS);
      bins[bin] = bins[NUM_BINS + bin] = bins[2 * NUM_BINS + bin] = 0;
    }
  }
}

// What top-k and top-p keep of a row with more equal or nearly equal logits than can be sorted: by radix over the keys,
// ten bits a pass, then ties by id. One block.
struct LargeSelection {
  const float* x;
  int vocab;
  const Weigher& weigher;
  unsigned* bins;
  unsigned long long *scratch, *chunk_sums;

  // The greatest key at which the count (or sum) of this and greater keys reaches `needed`; `before` becomes that of the
  // greater keys, `at_least` that of all kept.
  __device__ unsigned key_at(bool by_count, unsigned long long needed, unsigned floor_key, unsigned long long& before) {
    __shared__ unsigned long long found_before;
    __shared__ unsigned found_digit;
    unsigned prefix = 0;
    before = 0;
    for (int shift = 22; shift > -10; shift -= 10) {
      int low = max(shift, 0), bits = shift < 0 ? 10 + shift : 10;
      unsigned known = bits + low >= 32 ? 0 : ~0u << (low + bits);
      unsigned count[2];
      unsigned long long sum[2], total;
      histogram(
          x, vocab, 0, 1,
          [&](float value, unsigned long long& units) {
            unsigned key = order_key(value);
            if ((key & known) != prefix || key < floor_key) return -1;
            units = weigher.units(value);
            return units ? (int)((1u << bits) - 1 - (key >> low & ((1u << bits) - 1))) : -1;
          },
          bins, count, sum);
      unsigned long long a = by_count ? count[0] : sum[0], b = by_count ? count[1] : sum[1];
      unsigned long long end = before + block_scan_u64(a + b, scratch, total), begin = end - a - b;
      if (begin < needed && needed <= end) {
        bool second = begin + a < needed;
        found_digit = (1u << bits) - 1 - (2 * threadIdx.x + second);
        found_before = begin + (second ? a : 0);
      }
      __syncthreads();
      prefix |= found_digit << low;
      before = found_before;
      __syncthreads();
    }
    return prefix;
  }

  __device__ unsigned long long total_from(unsigned floor_key) {
    auto units_of = [&](float value, int) { return order_key(value) >= floor_key ? weigher.units(value) : 0ull; };
    unsigned long long total = 0;
    sum_chunks(x, vocab, 0, 1, units_of, chunk_sums);
    __syncthreads();
    pick(x, vocab, units_of, chunk_sums, scratch, [&](unsigned long long sum) { return total = sum; });
    return total;
  }

  __device__ void run(int top_k, bool limits_k, float top_p, unsigned& key, int& last_id) {
    unsigned long long before;
    unsigned floor_key = limits_k ? key_at(true, top_k, 0, before) : 0;
    key = floor_key;
    last_id = 0x7fffffff;
    if (!(top_p < 1.f)) return;
    unsigned long long target = top_p_target(top_p, total_from(floor_key));
    key = key_at(false, target, floor_key, before);
    unsigned long long tie_units = weigher.units(key_value(key));
    unsigned long long kept_ties = (target - before + tie_units - 1) / tie_units;
    unsigned tie_key = key;
    auto is_tie = [&](float value, int) { return order_key(value) == tie_key ? 1ull : 0ull; };
    __syncthreads();
    sum_chunks(x, vocab, 0, 1, is_tie, chunk_sums);
    __syncthreads();
    last_id = pick(x, vocab, is_tie, chunk_sums, scratch, [&](unsigned long long) { return kept_ties - 1; });
  }
};

// Sorts keys[0, n) rising; n is a power of two.
__device__ __forceinline__ void bitonic_sort(unsigned long long* keys, int n) {
  for (int size = 2; size <= n; size <<= 1) {
    for (int stride = size >> 1; stride; stride >>= 1) {
      __syncthreads();
      for (int i = threadIdx.x; i < n / 2; i += THREADS) {
        int a = 2 * i - (i & (stride - 1)), b = a + stride;
        unsigned long long x = keys[a], y = keys[b];
        if ((x > y) == ((a & size) == 0)) {
          keys[a] = y;
          keys[b] = x;
        }
      }
    }
  }
  __syncthreads();
}

}  // namespace sampling

extern "C" __global__ void __launch_bounds__(sampling::THREADS, 2)
    sampling_histogram_f32(const float* logits, int rowStride, int vocab, const SamplingRow* rows,
                           SamplingState* states, unsigned* counts, unsigned long long* sums) {
  using namespace sampling;
  __shared__ unsigned bins[3 * NUM_BINS];
  __shared__ unsigned long long scratch[WARPS];
  __shared__ unsigned long long sum_before_k, sum_before_p;
  __shared__ int bin_k, bin_p;
  __shared__ unsigned count_before_k, count_before_p, count_to_k, count_to_p;
  let_next_start();
  wait_for_previous();
  int row = blockIdx.y, t = threadIdx.x;
  SamplingState& s = states[row];
  if (s.phase != HISTOGRAM) return;
  const SamplingRow& params = rows[row];
  Weigher weigher(params, s.max_key);
  unsigned count[2];
  unsigned long long sum[2];
  histogram(
      logits + (size_t)row * rowStride, vocab, blockIdx.x, gridDim.x,
      [&](float value, unsigned long long& units) {
        float exponent = weigher.exponent(value);
        units = weigher.units_of(exponent);
        return units ? Weigher::bin(exponent) : -1;
      },
      bins, count, sum);
  size_t at = ((size_t)row * gridDim.x + blockIdx.x) * NUM_BINS + 2 * t;
  *reinterpret_cast<uint2*>(counts + at) = make_uint2(count[0], count[1]);
  *reinterpret_cast<ulonglong2*>(sums + at) = make_ulonglong2(sum[0], sum[1]);
  if (!last_to_arrive(&s.arrivals, gridDim.x)) return;

  unsigned long long n[2] = {0, 0};
  sum[0] = sum[1] = 0;
  for (int i = 0; i < gridDim.x; i++) {
    at = ((size_t)row * gridDim.x + i) * NUM_BINS + 2 * t;
    uint2 c = __ldcg(reinterpret_cast<const uint2*>(counts + at));
    ulonglong2 u = __ldcg(reinterpret_cast<const ulonglong2*>(sums + at));
    n[0] += c.x;
    n[1] += c.y;
    sum[0] += u.x;
    sum[1] += u.y;
  }
  unsigned long long num_tokens, total;
  unsigned long long n_end = block_scan_u64(n[0] + n[1], scratch, num_tokens), n_begin = n_end - n[0] - n[1];
  unsigned long long end = block_scan_u64(sum[0] + sum[1], scratch, total), begin = end - sum[0] - sum[1];
  unsigned long long k = params.topK > 0 ? params.topK : 0;
  bool limits_k = k > 0 && k < num_tokens, limits_p = params.topP < 1.f;
  if (limits_k && n_begin < k && k <= n_end) {
    bool second = n_begin + n[0] < k;
    bin_k = 2 * t + second;
    count_before_k = (unsigned)(n_begin + (second ? n[0] : 0));
    count_to_k = (unsigned)(second ? n_end : n_begin + n[0]);
    sum_before_k = begin + (second ? sum[0] : 0);
  }
  __syncthreads();
  // Top-p counts on what top-k leaves, not known yet but more than the better bins hold: its last token is in this bin
  // or a later one.
  unsigned long long target = top_p_target(params.topP, limits_k ? sum_before_k : total);
  if (limits_p && begin < target && target <= end) {
    bool second = begin + sum[0] < target;
    bin_p = 2 * t + second;
    count_before_p = (unsigned)(n_begin + (second ? n[0] : 0));
    count_to_p = (unsigned)(second ? n_end : n_begin + n[0]);
    sum_before_p = begin + (second ? sum[0] : 0);
  }
  __syncthreads();
  if (t > 0) return;
  if (!limits_k && !limits_p) {
    s.phase = DRAW;
    return;
  }
  s.bin_low = limits_p ? bin_p : bin_k;
  s.bin_high = limits_k ? bin_k : bin_p;
  s.count_before = limits_p ? count_before_p : count_before_k;
  s.sum_before = limits_p ? sum_before_p : sum_before_k;
  s.total = total;
  s.range_count = (limits_k ? count_to_k : count_to_p) - s.count_before;
  // Until select, threshold_key says whether top-k limits.
  s.threshold_key = limits_k;
  s.phase = s.range_count <= MAX_RANGE ? SELECT : SELECT_LARGE;
}

extern "C" __global__ void __launch_bounds__(sampling::THREADS, 2)
    sampling_select_f32(const float* logits, int rowStride, int vocab, const SamplingRow* rows, SamplingState* states,
                        unsigned long long* list, unsigned long long* chunkSums) {
  using namespace sampling;
  __shared__ unsigned long long keys[MAX_RANGE], scratch[WARPS];
  __shared__ int last_of_k, last_of_p;
  __shared__ unsigned long long total;
  let_next_start();
  wait_for_previous();
  int row = blockIdx.y, t = threadIdx.x;
  SamplingState& s = states[row];
  int phase = s.phase;
  if (phase != SELECT && phase != SELECT_LARGE) return;
  const SamplingRow& params = rows[row];
  Weigher weigher(params, s.max_key);
  const float* x = logits + (size_t)row * rowStride;
  bool limits_k = s.threshold_key != 0;
  if (phase == SELECT_LARGE) {
    if (blockIdx.x > 0) return;
    unsigned long long* chunks = chunkSums + (size_t)row * ((vocab + CHUNK - 1) / CHUNK);
    LargeSelection selection{x, vocab, weigher, reinterpret_cast<unsigned*>(keys), scratch, chunks};
    unsigned key;
    int last_id;
    selection.run(params.topK, limits_k, params.topP, key, last_id);
    if (t == 0) {
      s.threshold_key = key;
      s.last_id = last_id;
      s.phase = DRAW;
    }
    return;
  }
  list += (size_t)row * MAX_RANGE;
  int bin_low = s.bin_low, bin_high = s.bin_high;
  for (int tile = blockIdx.x; tile < num_tiles(vocab); tile += gridDim.x) {
    int start = tile * TILE + (t >> 5) * CHUNK;
    float v[PER_LANE];
    load_chunk(x, vocab, start, v);
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
      float exponent = weigher.exponent(v[i]);
      int bin = Weigher::bin(exponent);
      if (bin >= bin_low && bin <= bin_high && weigher.units_of(exponent) > 0) {
        // Rising: falling logits, then rising ids.
        list[atomicAdd(&s.collected, 1u)] = (unsigned long long)~order_key(v[i]) << 32 | (unsigned)chunk_id(start, i);
      }
    }
  }
  if (!last_to_arrive(&s.arrivals, gridDim.x)) return;

  int n = s.range_count, size = 2;
  while (size < n) size <<= 1;
  for (int i = t; i < size; i += THREADS) keys[i] = i < n ? __ldcg(list + i) : ~0ull;
  bitonic_sort(keys, size);
  constexpr int EACH = MAX_RANGE / THREADS;
  unsigned long long units[EACH], own = 0, unused;
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int at = t * EACH + i;
    units[i] = at < n ? weigher.units(key_value(~(unsigned)(keys[at] >> 32))) : 0;
    own += units[i];
  }
  unsigned long long before = s.sum_before + block_scan_u64(own, scratch, unused) - own;
  if (t == 0) {
    last_of_k = last_of_p = n - 1;
    total = s.total;
  }
  __syncthreads();
  if (limits_k) {
    // The k-th best and all that equal it.
    unsigned kth = (unsigned)(keys[params.topK - 1 - s.count_before] >> 32);
    unsigned long long running = before;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      int at = t * EACH + i;
      running += units[i];
      if (at < n && (unsigned)(keys[at] >> 32) == kth && (at == n - 1 || (unsigned)(keys[at + 1] >> 32) > kth)) {
        last_of_k = at;
        total = running;
      }
    }
    __syncthreads();
  }
  bool limits_p = params.topP < 1.f;
  if (limits_p) {
    unsigned long long target = top_p_target(params.topP, total), running = before;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      if (running < target && target <= running + units[i]) last_of_p = t * EACH + i;
      running += units[i];
    }
    __syncthreads();
  }
  if (t > 0) return;
  unsigned long long last = keys[limits_p ? last_of_p : last_of_k];
  s.threshold_key = ~(unsigned)(last >> 32);
  s.last_id = limits_p ? (int)(unsigned)last : 0x7fffffff;
  s.collected = 0;
  s.phase = DRAW;
}
