// Formula: out = silu(gate) · up, or gelu(gate) · up with the tanh form of gelu. soft_cap: x = cap · tanh(x / cap).
// Shapes: gateUp bf16 [numRows, 2 · ffn], gate first; out bf16 [numRows, ffn], another buffer; x f32 [n], in place.
// Numerics: f32 from the bf16 inputs, one rounding to bf16; gelu_tanh(g) = g · sigmoid(2u), u = 0.79788 (g + 0.044715 g³).
// Launch: grid = (ceil(ffn / 8 / 128), min(numRows, 65535)), block = 128 (any geometry is correct), no dynamic shared
//   memory; 16-byte aligned pointers when ffn % 8 == 0. soft_cap: any geometry, block <= 256.
// Bound: 6 bytes an output.
// Source: Shazeer, GLU Variants Improve Transformer, 2020.
#pragma once
#include "common.cuh"

namespace activation {

struct Silu {
  static __device__ __forceinline__ float of(float g) { return __fdividef(g, 1.f + __expf(-g)); }
};

struct GeluTanh {
  static __device__ __forceinline__ float of(float g) {
    const float u = 0.7978845608f * g * fmaf(0.044715f * g, g, 1.f);
    return __fdividef(g, 1.f + __expf(-2.f * u));
  }
};

template <typename F>
__device__ __forceinline__ void gated(bf16* out, const bf16* gateUp, int ffn, int numRows) {
  let_next_start();
  wait_for_previous();
  const int column = blockIdx.x * blockDim.x + threadIdx.x, columns = gridDim.x * blockDim.x;
  for (int row = blockIdx.y; row < numRows; row += gridDim.y) {
    const bf16 *gate = gateUp + 2L * row * ffn, *up = gate + ffn;
    bf16* y = out + (long)row * ffn;
    if (ffn & 7) {
      for (int i = column; i < ffn; i += columns)
        y[i] = __float2bfloat16(F::of(__bfloat162float(gate[i])) * __bfloat162float(up[i]));
    } else {
      for (int i = 8 * column; i < ffn; i += 8 * columns) {
        float g[8], u[8];
        const Bf16x8 rawGate = load8(gate + i), rawUp = load8(up + i);
        unpack8(rawGate, g);
        unpack8(rawUp, u);
#pragma unroll
        for (int j = 0; j < 8; j++) g[j] = F::of(g[j]) * u[j];
        store8(y + i, pack8(g));
      }
    }
  }
}

}  // namespace activation

extern "C" __global__ void __launch_bounds__(128) silu_mul_bf16(bf16* out, const bf16* gateUp, int ffn, int numRows) {
  activation::gated<activation::Silu>(out, gateUp, ffn, numRows);
}

extern "C" __global__ void __launch_bounds__(128) gelu_tanh_mul_bf16(bf16* out, const bf16* gateUp, int ffn, int numRows) {
  activation::gated<activation::GeluTanh>(out, gateUp, ffn, numRows);
}

extern "C" __global__ void __launch_bounds__(256) soft_cap_f32(float* x, float cap, long n) {
  let_next_start();
  wait_for_previous();
  for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (long)gridDim.x * blockDim.x)
    x[i] = cap * tanhf(x[i] / cap);
}
