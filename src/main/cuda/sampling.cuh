// What the sampling kernels share: the exact weight of a logit, the order of logits, tiles of a row, scans.
//
// Every bit of a drawn id is defined by integers: a weight is a multiple of 2^-34, its exp is one fixed sequence of IEEE
// operations (intrinsics, so that nothing is contracted; compile without -ftz and -use_fast_math).
#pragma once
#include "common.cuh"

// How one row is drawn, as the host packs it: 40 bytes.
struct SamplingRow {
  float temperature;  // 0: greedy
  float topP;         // 1: all
  float minP;         // 0: all
  int topK;           // 0: all
  unsigned long long seed;
  unsigned long long counter;
  int slot;  // of lastSampled; -1: none
  int pad;
};

// Device memory of one row between the kernels of a step, 64 bytes; zeroed once by the host, the counters reset
// themselves.
struct SamplingState {
  unsigned long long best;  // 0 between kernels
  unsigned arrivals;        // 0 between kernels
  unsigned collected;       // 0 between kernels
  int phase;
  unsigned max_key;
  int bin_low, bin_high;  // bins whose order has to be known
  unsigned range_count;   // tokens in them
  unsigned count_before;  // tokens in better bins
  unsigned long long sum_before;
  unsigned long long total;  // of all tokens
  unsigned threshold_key;  // kept: greater keys, and equal ones up to last_id
  int last_id;
};
static_assert(sizeof(SamplingRow) == 40 && sizeof(SamplingState) == 64, "the host lays these out too");

namespace sampling {

constexpr int THREADS = 512;
constexpr int WARPS = THREADS / WARP;
constexpr int PER_LANE = 16;
constexpr int CHUNK = WARP * PER_LANE;  // consecutive ids of one warp
constexpr int TILE = WARPS * CHUNK;     // 8192 consecutive ids of one block
constexpr int NUM_BINS = 1024;
constexpr int MAX_RANGE = 4096;  // tokens that are sorted in shared memory

enum Phase { DONE, DRAW, HISTOGRAM, SELECT, SELECT_LARGE };

constexpr unsigned NAN_KEY = 0xffffffffu;
constexpr unsigned PLUS_INFINITY_KEY = 0xff800000u;
constexpr unsigned MINUS_INFINITY_KEY = 0x007fffffu;
constexpr float MINUS_INFINITY = -INFINITY;

// Keys compare as floats do, -0 as 0; NaN above all.
__device__ __forceinline__ unsigned order_key(float x) {
  unsigned bits = __float_as_uint(__fadd_rn(x, 0.f));
  unsigned key = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return x != x ? NAN_KEY : key;
}

__device__ __forceinline__ float key_value(unsigned key) {
  return __uint_as_float(key & 0x80000000u ? key ^ 0x80000000u : ~key);
}

// e^x for x <= 0: the sequence of the Java class Exponential.
__device__ __forceinline__ float exact_exp(float x) {
  float shifted = __fmaf_rn(x, 1.44269504f, 12582912.f);
  float n = __fsub_rn(shifted, 12582912.f);
  float r = __fmaf_rn(n, -0.693359375f, x);
  r = __fmaf_rn(n, 2.12194440e-4f, r);
  float p = __fmaf_rn(1.9875691500e-4f, r, 1.3981999507e-3f);
  p = __fmaf_rn(p, r, 8.3334519073e-3f);
  p = __fmaf_rn(p, r, 4.1665795894e-2f);
  p = __fmaf_rn(p, r, 1.6666665459e-1f);
  p = __fmaf_rn(p, r, 5.0000001201e-1f);
  p = __fadd_rn(__fmaf_rn(p, __fmul_rn(r, r), r), 1.f);
  float e = __uint_as_float(__float_as_uint(p) + (__float_as_uint(shifted) << 23));
  return x < -87.f ? 0.f : e;
}

// Philox4x32-10: the first 64 bits of the block.
__device__ __forceinline__ unsigned long long philox(unsigned long long key, unsigned long long counter) {
  unsigned k0 = (unsigned)key, k1 = (unsigned)(key >> 32);
  unsigned c0 = (unsigned)counter, c1 = (unsigned)(counter >> 32), c2 = 0, c3 = 0;
#pragma unroll
  for (int round = 0; round < 10; round++) {
    unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    c0 = (unsigned)(p1 >> 32) ^ c1 ^ k0;
    c1 = (unsigned)p1;
    c2 = (unsigned)(p0 >> 32) ^ c3 ^ k1;
    c3 = (unsigned)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c0 | ((unsigned long long)c1 << 32);
}

// Weights of one row in units of 2^-34; those below min-p are 0.
struct Weigher {
  float max, inverse_temperature, min_p;
  bool infinite;

  __device__ __forceinline__ Weigher(const SamplingRow& row, unsigned max_key) {
    max = key_value(max_key);
    inverse_temperature = __fdiv_rn(1.f, row.temperature);
    min_p = row.minP;
    infinite = max_key == PLUS_INFINITY_KEY;
  }

  __device__ __forceinline__ float exponent(float x) const {
    // Infinite logits share all of the probability.
    if (infinite) return x == INFINITY ? 0.f : MINUS_INFINITY;
    return __fmul_rn(__fsub_rn(x, max), inverse_temperature);
  }

  __device__ __forceinline__ unsigned long long units_of(float exponent) const {
    float e = exact_exp(exponent);
    float w = e < 0x1p-11f ? __fsub_rn(__fadd_rn(e, 0x1p-11f), 0x1p-11f) : e;
    w = w < min_p ? 0.f : w;
    return __float2ull_rz(__fmul_rn(w, 0x1p34f));
  }

  __device__ __forceinline__ unsigned long long units(float x) const { return units_of(exponent(x)); }

  // Falls as the logit rises; every token of non-zero weight has a bin, as 2^-35 is e^-24.26.
  __device__ __forceinline__ static int bin(float exponent) {
    return min(NUM_BINS - 1, __float2int_rz(__fmul_rn(exponent, -NUM_BINS / 24.5f)));
  }
};

// The smallest whole sum that reaches this part of the total, compared in f64; at least one token is kept.
__device__ __forceinline__ unsigned long long top_p_target(float top_p, unsigned long long total) {
  double target = __dmul_rn((double)top_p, (double)total);
  return max(1ull, (unsigned long long)ceil(target));
}

// A warp's chunk: lane holds ids start + 128 j + 4 lane + e at v[4 j + e]; ids beyond the row are -inf.
__device__ __forceinline__ void load_chunk(const float* x, int vocab, int start, float (&v)[PER_LANE]) {
  int lane = threadIdx.x & 31;
  // One branch for the warp, so that all loads are under way together.
  if ((reinterpret_cast<uintptr_t>(x) & 15) == 0 && start + CHUNK <= vocab) {
#pragma unroll
    for (int j = 0; j < PER_LANE / 4; j++) {
      float4 q = *reinterpret_cast<const float4*>(x + start + j * 128 + lane * 4);
      v[4 * j] = q.x;
      v[4 * j + 1] = q.y;
      v[4 * j + 2] = q.z;
      v[4 * j + 3] = q.w;
    }
  } else {
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
      int id = start + (i >> 2) * 128 + lane * 4 + (i & 3);
      v[i] = id < vocab ? x[id] : MINUS_INFINITY;
    }
  }
}

__device__ __forceinline__ int chunk_id(int start, int i) {
  return start + (i >> 2) * 128 + (threadIdx.x & 31) * 4 + (i & 3);
}

__device__ __forceinline__ int num_tiles(int vocab) { return (vocab + TILE - 1) / TILE; }

__device__ __forceinline__ unsigned long long warp_sum_u64(unsigned long long v) {
#pragma unroll
  for (int o = WARP / 2; o; o >>= 1) v += __shfl_xor_sync(FULL_WARP, v, o);
  return v;
}

__device__ __forceinline__ unsigned long long warp_scan_u64(unsigned long long v) {
#pragma unroll
  for (int o = 1; o < WARP; o <<= 1) {
    unsigned long long other = __shfl_up_sync(FULL_WARP, v, o);
    if ((threadIdx.x & 31) >= o) v += other;
  }
  return v;
}

// The largest of (key << 32 | low) over the warp, in every lane.
__device__ __forceinline__ unsigned long long warp_max_u64(unsigned long long v) {
  unsigned high = __reduce_max_sync(FULL_WARP, (unsigned)(v >> 32));
  unsigned low = __reduce_max_sync(FULL_WARP, (unsigned)(v >> 32) == high ? (unsigned)v : 0u);
  return (unsigned long long)high << 32 | low;
}

// Inclusive sum over the block of 512 threads and its total; `scratch` holds 16 values. Two barriers.
__device__ __forceinline__ unsigned long long block_scan_u64(unsigned long long v, unsigned long long* scratch,
                                                             unsigned long long& total) {
  int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  v = warp_scan_u64(v);
  __syncthreads();
  if (lane == 31) scratch[warp] = v;
  __syncthreads();
  unsigned long long of_warps = warp_scan_u64(lane < WARPS ? scratch[lane] : 0);
  total = __shfl_sync(FULL_WARP, of_warps, WARPS - 1);
  unsigned long long before = __shfl_sync(FULL_WARP, of_warps, warp > 0 ? warp - 1 : 0);
  return warp > 0 ? v + before : v;
}

// Whether this block is the last of `count` to come here; what the others wrote before is then visible (read it with
// __ldcg). The counter is 0 again afterwards.
__device__ __forceinline__ bool last_to_arrive(unsigned* arrivals, unsigned count) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = count == 1 || atomicInc(arrivals, count - 1) == count - 1;
  __syncthreads();
  if (last) __threadfence();
  return last;
}

}  // namespace sampling
