// Formula: in this order: all but allowed ids -inf; banned ids -inf; x += bias; penalties of seen ids: x / r or x * r by
//   sign, then x - frequency * count - presence where generated; ids outside the token mask -inf.
// Shapes: logits f32 [rows, rowStride], in place; adjusts AdjustRow[numAdjusted]; data: the lists, int32.
// Numerics: each operation rounded once, as on the CPU; NaN stays NaN whatever masks it, so that the row draws nothing.
// Launch: grid (ceil(vocab / 8192), numAdjusted), 512 threads, 65536 bytes of dynamic shared memory. Rows with
//   rawRow >= 0 are first copied to raw f32 [.., rawStride], for log-probabilities.
// Bound: 8 bytes a logit, 4 bytes a token of the history for each 8192 ids.
// Source: own; counters of 8192 ids fit in shared memory, so a history of any length needs no table.
#pragma once
#include "sampling.cuh"

// What changes one row's logits before it is drawn, as the host packs it: 64 bytes. Starts count int32 words of `data`.
struct AdjustRow {
  int row;
  int rawRow;  // -1: raw logits are not kept
  float repetition, frequency, presence;
  int numPromptTokens;
  int tokens, numTokens;    // prompt, then generated; 0: no penalties
  int allowed, numAllowed;  // -1: all
  int banned, numBanned;
  int bias, numBias;  // ids, then as many floats
  int mask;           // words of 32 bits; -1: none
  int pad;
};

namespace sampling {

// The thread of the first of equal ids adds all their biases, in order.
__device__ __forceinline__ void add_bias(float* values, int first, int count, const int* ids, int num_ids) {
  for (int i = threadIdx.x; i < num_ids; i += THREADS) {
    int id = ids[i];
    if (id < first || id >= first + count) continue;
    bool is_first = true;
    for (int j = 0; j < i; j++) is_first &= ids[j] != id;
    if (!is_first) continue;
    float value = values[id - first];
    for (int j = i; j < num_ids; j++) {
      if (ids[j] == id) value = __fadd_rn(value, __int_as_float(ids[num_ids + j]));
    }
    values[id - first] = value;
  }
}

__device__ __forceinline__ float penalize(float value, unsigned seen, const AdjustRow& a) {
  if (seen == 0) return value;
  if (a.repetition != 1.f) {
    value = value > 0.f ? __fdiv_rn(value, a.repetition) : __fmul_rn(value, a.repetition);
  }
  unsigned generated = seen >> 1;
  if (generated > 0) {
    value = __fsub_rn(value, __fmul_rn(a.frequency, __uint2float_rn(generated)));
    value = __fsub_rn(value, a.presence);
  }
  return value;
}

}  // namespace sampling

extern "C" __global__ void __launch_bounds__(sampling::THREADS)
    logit_adjust_f32(float* logits, int rowStride, int vocab, const AdjustRow* adjusts, const int* data, float* raw,
                     int rawStride) {
  using namespace sampling;
  DYNAMIC_SHARED(unsigned char, adjust_shared);
  float* values = reinterpret_cast<float*>(adjust_shared);
  unsigned* marks = reinterpret_cast<unsigned*>(adjust_shared + TILE * sizeof(float));
  let_next_start();
  wait_for_previous();
  const AdjustRow a = adjusts[blockIdx.y];
  int t = threadIdx.x, first = blockIdx.x * TILE, count = min(TILE, vocab - first);
  float* x = logits + (size_t)a.row * rowStride + first;
  float* copy = a.rawRow >= 0 ? raw + (size_t)a.rawRow * rawStride + first : nullptr;

  for (int i = t; i < count; i += THREADS) {
    values[i] = x[i];
    marks[i] = 0;
    if (copy) copy[i] = values[i];
  }
  if (a.numAllowed >= 0 || a.numBanned > 0) {
    // Bit 0: allowed, bit 1: banned.
    __syncthreads();
    for (int i = t; i < a.numAllowed; i += THREADS) {
      unsigned at = data[a.allowed + i] - first;
      if (at < count) atomicOr(&marks[at], 1u);
    }
    for (int i = t; i < a.numBanned; i += THREADS) {
      unsigned at = data[a.banned + i] - first;
      if (at < count) atomicOr(&marks[at], 2u);
    }
    __syncthreads();
    for (int i = t; i < count; i += THREADS) {
      unsigned mark = marks[i];
      if ((mark & 2) || (a.numAllowed >= 0 && !(mark & 1))) {
        if (values[i] == values[i]) values[i] = MINUS_INFINITY;
      }
      marks[i] = 0;
    }
  }
  __syncthreads();
  add_bias(values, first, count, data + a.bias, a.numBias);
  for (int i = t; i < a.numTokens; i += THREADS) {
    unsigned at = data[a.tokens + i] - first;
    // Bit 0: seen; above it how often generated.
    if (at < count) {
      if (i < a.numPromptTokens) {
        atomicOr(&marks[at], 1u);
      } else {
        atomicAdd(&marks[at], 2u);
      }
    }
  }
  __syncthreads();
  for (int i = t; i < count; i += THREADS) {
    float value = penalize(values[i], marks[i], a);
    if (a.mask >= 0) {
      unsigned word = data[a.mask + ((first + i) >> 5)];
      // Only what was NaN in the raw logits outlasts the mask; x still holds it.
      if (!(word >> (i & 31) & 1) && x[i] == x[i]) value = MINUS_INFINITY;
    }
    x[i] = value;
  }
}
