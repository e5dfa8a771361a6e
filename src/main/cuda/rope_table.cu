// Formula: table[p] = (cos(p · f_i) · s, sin(p · f_i) · s) for every position p and pair i, s = scale, with a growthPeriod
//   times 1 + growth · ln(1 + floor(p / growthPeriod)).
// Shapes: table f32 [numPositions, 2, numPairs], frequencies f32 [numPairs].
// Numerics: the angle is rounded to f32 as Hugging Face does, cos and sin are those of a double, so they equal the CPU's.
// Launch: grid any, block 256. Runs once, when a model is loaded.
// Bound: 8 bytes a position and pair.
// Source: Su et al., RoFormer, 2021.
#pragma once
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(256)
    rope_table_f32(float* table, const float* frequencies, float scale, float growth, int growthPeriod, int numPairs,
                   long numPositions) {
  let_next_start();
  wait_for_previous();
  const long count = numPositions * numPairs;
  for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long)gridDim.x * blockDim.x) {
    const long position = i / numPairs;
    const int pair = (int)(i % numPairs);
    const double angle = (double)__fmul_rn((float)position, frequencies[pair]);
    const double grown = growthPeriod > 0 ? 1. + growth * log(1. + position / growthPeriod) : 1.;
    const float s = __fmul_rn(scale, (float)grown);
    table[position * 2 * numPairs + pair] = __fmul_rn((float)cos(angle), s);
    table[(position * 2 + 1) * numPairs + pair] = __fmul_rn((float)sin(angle), s);
  }
}
