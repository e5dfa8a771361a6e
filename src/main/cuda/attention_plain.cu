// Formula: out = softmax(scale · q · K) · V over the keys a row may see; s = cap · tanh(s / cap) with a soft cap; sinks are
//   extra logits of the denominator.
// Shapes: q bf16 [rows, qStride], head h at column h · headDim; K, V bf16, or e4m3 in the kernel named fp8 (K's scale is
//   part of `scale`, V's is valueScale), [numBlocks, numKvHeads, blockSize, headDim]; any headDim up to 512. A row of a sequence of length 0 (padding) gives zeros.
// Numerics: f32, exp2. Key j belongs to warp j mod 4 and the warps merge in order, so a row's bits depend on its own keys only.
// Launch: grid (rows, numHeads), block 128, no dynamic shared memory. For head widths that the tiled kernels do not have, and
//   to check those.
// Bound: K and V are read once for each row and head, from the L2 cache at best: small models only.
// Source: Dao et al., FlashAttention, 2022 (online softmax); Kwon et al., PagedAttention, 2023.
#pragma once
#include "e4m3.cuh"

namespace plain {

constexpr int WARPS = 4;
constexpr int MAX_PER_LANE = 16;

// The last sequence that starts at or before the row.
__device__ __forceinline__ int sequence_of(const int* cuSeqlensQ, int numSeqs, int row) {
  int low = 0, high = numSeqs - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (cuSeqlensQ[middle] <= row) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

__device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(e4m3 x) { return e4m3_to_float(x); }

template <typename Element>
__device__ __forceinline__ void run(bf16* out, int outStride, const bf16* q, int qStride, const Element* kCache,
                                    const Element* vCache, int blockSize, const int* cuSeqlensQ, const int* seqLens,
                                    const int* blockTableStart, const int* blockTables, int numSeqs, int numHeads,
                                    int numKvHeads, int headDim, float scale, int slidingWindow, float softCap,
                                    const float* sinks, float valueScale) {
  let_next_start();
  wait_for_previous();
  const int row = blockIdx.x, head = blockIdx.y, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int seq = sequence_of(cuSeqlensQ, numSeqs, row);
  const int kvHead = head / (numHeads / numKvHeads);
  const int position = seqLens[seq] - (cuSeqlensQ[seq + 1] - row);
  const int first = slidingWindow > 0 ? max(0, position + 1 - slidingWindow) : 0;
  const int* blocks = blockTables + blockTableStart[seq];
  float queries[MAX_PER_LANE], sums[MAX_PER_LANE];
#pragma unroll
  for (int i = 0; i < MAX_PER_LANE; i++) {
    int d = lane + 32 * i;
    queries[i] = d < headDim ? __bfloat162float(q[(size_t)row * qStride + (size_t)head * headDim + d]) : 0.f;
    sums[i] = 0.f;
  }
  float best = -INFINITY, total = 0.f;
  for (int key = first - first % WARPS + warp; key <= position; key += WARPS) {
    if (key < first) continue;
    const size_t at =
        (((size_t)blocks[key / blockSize] * numKvHeads + kvHead) * blockSize + key % blockSize) * headDim;
    float dot = 0.f;
#pragma unroll
    for (int i = 0; i < MAX_PER_LANE; i++) {
      int d = lane + 32 * i;
      if (d < headDim) dot = fmaf(queries[i], to_float(kCache[at + d]), dot);
    }
    float s = warp_sum(dot) * scale;
    if (softCap > 0.f) s = softCap * tanhf(s / softCap);
    s *= 1.44269504f;
    const float higher = fmaxf(best, s), shrink = exp2f(best - higher), weight = exp2f(s - higher);
    best = higher;
    total = total * shrink + weight;
#pragma unroll
    for (int i = 0; i < MAX_PER_LANE; i++) {
      int d = lane + 32 * i;
      if (d < headDim) sums[i] = fmaf(weight, to_float(vCache[at + d]), sums[i] * shrink);
    }
  }
  __shared__ float bests[WARPS], totals[WARPS], parts[WARPS][32 * MAX_PER_LANE];
  if (lane == 0) {
    bests[warp] = best;
    totals[warp] = total;
  }
#pragma unroll
  for (int i = 0; i < MAX_PER_LANE; i++) {
    if (lane + 32 * i < headDim) parts[warp][lane + 32 * i] = sums[i];
  }
  __syncthreads();
  float top = sinks == nullptr ? -INFINITY : sinks[head] * 1.44269504f;
  for (int w = 0; w < WARPS; w++) top = fmaxf(top, bests[w]);
  float denominator = sinks == nullptr ? 0.f : exp2f(sinks[head] * 1.44269504f - top);
  for (int w = 0; w < WARPS; w++) denominator += bests[w] == -INFINITY ? 0.f : totals[w] * exp2f(bests[w] - top);
  for (int d = threadIdx.x; d < headDim; d += blockDim.x) {
    float value = 0.f;
    for (int w = 0; w < WARPS; w++) {
      if (bests[w] != -INFINITY) value += parts[w][d] * exp2f(bests[w] - top);
    }
    out[(size_t)row * outStride + (size_t)head * headDim + d] =
        __float2bfloat16(position < 0 ? 0.f : value / denominator * valueScale);
  }
}

}  // namespace plain

extern "C" __global__ void __launch_bounds__(128)
    paged_attention_plain_bf16(bf16* out, int outStride, const bf16* q, int qStride, const bf16* kCache,
                               const bf16* vCache, int blockSize, const int* cuSeqlensQ, const int* seqLens,
                               const int* blockTableStart, const int* blockTables, int numSeqs, int numHeads,
                               int numKvHeads, int headDim, float scale, int slidingWindow, float softCap,
                               const float* sinks) {
  plain::run(out, outStride, q, qStride, kCache, vCache, blockSize, cuSeqlensQ, seqLens, blockTableStart, blockTables,
             numSeqs, numHeads, numKvHeads, headDim, scale, slidingWindow, softCap, sinks, 1.f);
}

extern "C" __global__ void __launch_bounds__(128)
    paged_attention_plain_fp8(bf16* out, int outStride, const bf16* q, int qStride, const e4m3* kCache,
                              const e4m3* vCache, int blockSize, const int* cuSeqlensQ, const int* seqLens,
                              const int* blockTableStart, const int* blockTables, int numSeqs, int numHeads,
                              int numKvHeads, int headDim, float scale, int slidingWindow, float softCap,
                              const float* sinks, float valueScale) {
  plain::run(out, outStride, q, qStride, kCache, vCache, blockSize, cuSeqlensQ, seqLens, blockTableStart, blockTables,
             numSeqs, numHeads, numKvHeads, headDim, scale, slidingWindow, softCap, sinks, valueScale);
}
