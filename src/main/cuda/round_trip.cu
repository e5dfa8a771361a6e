// Formula: x' = (q − zero) · s with q, zero and s as quantize.cu makes them, for groups of any size.
// Shapes: x bf16 rows of xStride elements, K of them used; out bf16 [numRows, K]; the last group of a row may be shorter.
// Numerics: codes as quantize.cu; x' is rounded to bf16.
// Launch: grid = (ceil(K / groupSize), min(numRows, 65535)), block 128; no dynamic shared memory. zeros: 0 none, 1 made from the
//   group (int8, dynamic), 2 given; fixedScale 0: dynamic.
// Bound: 4 bytes an element; not for speed.
#pragma once
#include "quantize.cu"

extern "C" __global__ void __launch_bounds__(128)
    round_trip_bf16(bf16* out, const bf16* x, int K, int xStride, int groupSize, int integers, int zeros, float fixedScale,
                    int fixedZero, int numRows) {
  using namespace quantize;
  let_next_start();
  wait_for_previous();
  const int begin = blockIdx.x * groupSize, end = min(K, begin + groupSize);
  for (int r = blockIdx.y; r < numRows; r += gridDim.y) {
    const bf16* from = x + (long)r * xStride;
    Extent extent = {0, 0.f, 0.f};
    for (int i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const float v = __bfloat162float(from[i]);
      extent.size = max(extent.size, __float_as_uint(v) & 0x7fffffffu);
      extent.low = fminf(extent.low, v), extent.high = fmaxf(extent.high, v);
    }
    extent = of_block(extent);
    const Choice choice = choose(extent, integers, (Zero)zeros, fixedScale, fixedZero);
    for (int i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const float q = __fdiv_rn(__bfloat162float(from[i]), choice.scale);
      float value;
      if (integers) {
        const int code = __float2int_rn(fminf(fmaxf(q, -1024.f), 1024.f)) + choice.zero;
        value = (float)(min(max(code, -128), 127) - choice.zero);
      } else {
        value = e4m3_to_float((e4m3)(e4m3x2_of(q, 0.f) & 255));
      }
      out[(long)r * K + i] = __float2bfloat16(choice.valid ? value * choice.scale : __uint_as_float(0x7fffffffu));
    }
    __syncthreads();
  }
}
