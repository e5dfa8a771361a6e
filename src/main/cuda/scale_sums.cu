// Formula: out[m, n] = xs[m] · ws[n] · (sums[m, n] − zero[m] · wSum[n]) + bias[n], for products that a library leaves unscaled.
// Shapes: sums f32 or int32 [M, N]; out bf16 or f32 rows of outStride; xs [M]; ws, bias (or null) [N]; zeros (or null) int32
//   [M], wSums int32 [N].
// Numerics: f32, one rounding; the zero point's part is subtracted in int32, exactly.
// Launch: grid = (ceil(N / 512), min(M, 65535)), block 128 (any geometry is correct); no dynamic shared memory. Fastest with N a
//   multiple of 4, outStride too.
// Bound: 6 bytes an output (8 in f32).
#pragma once
#include "codes.cuh"

namespace scale_sums {

template <typename SUM, typename OUT>
__device__ __forceinline__ void scaled(OUT* out, const SUM* sums, const codes::Scales& scales, int N, int M, int outStride) {
  let_next_start();
  wait_for_previous();
  const int column = 4 * (blockIdx.x * blockDim.x + threadIdx.x), columns = 4 * gridDim.x * blockDim.x;
  const bool vectors = N % 4 == 0 && outStride % 4 == 0 && ((uintptr_t)out & 15) == 0;
  for (int m = blockIdx.y; m < M; m += gridDim.y)
    for (int n = column; n < N; n += columns) {
      const SUM* from = sums + (long)m * N + n;
      OUT* to = out + (long)m * outStride + n;
      if (vectors) {
        struct alignas(16) Four {
          SUM v[4];
        };
        struct alignas(4 * sizeof(OUT)) Results {
          OUT v[4];
        };
        const Four four = *reinterpret_cast<const Four*>(from);
        Results results;
#pragma unroll
        for (int j = 0; j < 4; j++)
          results.v[j] = codes::rounded<OUT>(scales.template result<false>(four.v[j], m, n + j));
        *reinterpret_cast<Results*>(to) = results;
      } else {
        for (int j = 0; j < 4 && n + j < N; j++) to[j] = codes::rounded<OUT>(scales.template result<false>(from[j], m, n + j));
      }
    }
}

}  // namespace scale_sums

#define SCALE_SUMS(NAME, SUM, OUT)                                                                                        \
  extern "C" __global__ void __launch_bounds__(128)                                                                       \
      NAME(OUT* out, const SUM* sums, const float* ws, const float* xs, const int* zeros, const int* wSums,              \
           const float* bias, int N, int M, int outStride) {                                                             \
    const codes::Scales scales = {ws, xs, zeros, wSums, bias, 1, 1, 0};                                                   \
    scale_sums::scaled(out, sums, scales, N, M, outStride);                                                               \
  }
SCALE_SUMS(scale_sums_f32, float, bf16)
SCALE_SUMS(scale_sums_f32_f32out, float, float)
SCALE_SUMS(scale_sums_s32, int, bf16)
SCALE_SUMS(scale_sums_s32_f32out, int, float)
#undef SCALE_SUMS
