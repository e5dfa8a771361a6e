// Formula: (a, b) -> (a cos - b sin, b cos + a sin) for each pair of a head's first rotaryDim dimensions; the rest stays.
//   Pairs are (i, i + rotaryDim / 2), or (2i, 2i + 1) when interleaved; rope_kv_write also puts k and v into the cache.
// Shapes: qkv bf16 [numRows, rowStride], q heads at column 0, then k, then v; cosSin f32 [maxPositions, 2, rotaryDim / 2];
//   caches bf16, or e4m3 in the kernels named fp8, [numBlocks, numKvHeads, blockSize, headDim]; positions, slotMapping int32
//   [numRows], slot < 0: no write. An fp8 cache holds k / keyScale and v / valueScale.
//   rope_kv_write rotates q in place and k on its way to the cache only: k in qkv stays as it was.
// Numerics: f32 from the bf16 inputs, one rounding to bf16; to e4m3 it saturates at ±448.
// Launch: block = 128, grid = (ceil(heads · headDim / 8 / 128), min(numRows, 65535)) where heads is numHeads + 2 numKvHeads,
//   for rope_bf16 numHeads, for kv_write 2 numKvHeads; any geometry is correct. headDim, rowStride and column multiples of
//   8, rotaryDim even, pointers 16-byte aligned (fp8 caches 8). 16-byte accesses when rotaryDim % 16 == 0 (interleaved: 8).
// Bound: bytes: q read and written, k and v read and written; at one row latency.
// Source: Su et al., RoFormer, 2021.
#pragma once
#include "e4m3.cuh"

namespace rope {

template <int N>
__device__ __forceinline__ void load_floats(const float* p, float (&f)[N]) {
  if constexpr (N % 4 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
      const float4 v = *reinterpret_cast<const float4*>(p + i);
      f[i] = v.x, f[i + 1] = v.y, f[i + 2] = v.z, f[i + 3] = v.w;
    }
  } else {
#pragma unroll
    for (int i = 0; i < N; i++) f[i] = p[i];
  }
}

template <int N>
__device__ __forceinline__ void load_values(const bf16* p, float (&f)[N]) {
  if constexpr (N == 8) {
    unpack8(load8(p), f);
  } else {
#pragma unroll
    for (int i = 0; i < N; i++) f[i] = __bfloat162float(p[i]);
  }
}

// Where values go: a row of bf16, or of the cache in FP8.
struct Bf16Row {
  bf16* p;
  __device__ __forceinline__ Bf16Row operator+(long i) const { return {p + i}; }

  template <int N>
  __device__ __forceinline__ void store(const float (&f)[N]) const {
    if constexpr (N == 8) {
      store8(p, pack8(f));
    } else {
#pragma unroll
      for (int i = 0; i < N; i++) p[i] = __float2bfloat16(f[i]);
    }
  }

  template <int N>
  __device__ __forceinline__ void copy(const bf16* from) const {
    if constexpr (N == 8) {
      store8(p, load8(from));
    } else {
#pragma unroll
      for (int i = 0; i < N; i++) p[i] = from[i];
    }
  }
};

struct Fp8Row {
  e4m3* p;
  float scale;
  __device__ __forceinline__ Fp8Row operator+(long i) const { return {p + i, scale}; }

  template <int N>
  __device__ __forceinline__ void store(const float (&f)[N]) const {
    if constexpr (N == 8) {
      *reinterpret_cast<uint2*>(p) = e4m3x8_of(f, scale);
    } else {
#pragma unroll
      for (int i = 0; i < N; i++) p[i] = (e4m3)e4m3x2_of(__fdiv_rn(f[i], scale), 0.f);
    }
  }

  template <int N>
  __device__ __forceinline__ void copy(const bf16* from) const {
    float f[N];
    load_values(from, f);
    store(f);
  }
};

// A work unit of a head is one group of pairs, or behind them V dimensions that pass through. to may be from.
template <int V, bool INTERLEAVED>
struct Units {
  static constexpr int PAIRS = INTERLEAVED ? (V == 8 ? 4 : 1) : V;
  static __device__ __forceinline__ int rotated(int rotaryDim) { return rotaryDim / 2 / PAIRS; }
  static __device__ __forceinline__ int all(int headDim, int rotaryDim) {
    return rotated(rotaryDim) + (headDim - rotaryDim) / V;
  }

  template <typename Row>
  static __device__ __forceinline__ void rotate(Row to, const bf16* from, int unit, const float* cosSin, int rotaryDim) {
    const int half = rotaryDim / 2;
    float c[PAIRS], s[PAIRS];
    if constexpr (INTERLEAVED) {
      float x[2 * PAIRS];
      load_values(from + unit * 2 * PAIRS, x);
      load_floats(cosSin + unit * PAIRS, c);
      load_floats(cosSin + half + unit * PAIRS, s);
#pragma unroll
      for (int i = 0; i < PAIRS; i++) {
        const float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * c[i] - b * s[i];
        x[2 * i + 1] = b * c[i] + a * s[i];
      }
      (to + unit * 2 * PAIRS).store(x);
    } else {
      float a[V], b[V], x[V], y[V];
      load_values(from + unit * V, a);
      load_values(from + half + unit * V, b);
      load_floats(cosSin + unit * V, c);
      load_floats(cosSin + half + unit * V, s);
#pragma unroll
      for (int i = 0; i < V; i++) {
        x[i] = a[i] * c[i] - b[i] * s[i];
        y[i] = b[i] * c[i] + a[i] * s[i];
      }
      (to + unit * V).store(x);
      (to + half + unit * V).store(y);
    }
  }

  template <typename Row>
  static __device__ __forceinline__ void copy(Row to, const bf16* from, int unit, int rotaryDim) {
    const int i = rotaryDim + (unit - rotated(rotaryDim)) * V;
    (to + i).template copy<V>(from + i);
  }
};

__device__ __forceinline__ long cache_offset(int slot, int head, int numKvHeads, int blockSize, int headDim) {
  const int block = slot / blockSize;
  return (((long)block * numKvHeads + head) * blockSize + (slot - block * blockSize)) * headDim;
}

template <int V, bool INTERLEAVED>
__device__ __forceinline__ void rotate_heads(bf16* x, int numHeads, int headDim, int rowStride, const int* positions,
                                             const float* cosSin, int rotaryDim, int numRows) {
  using U = Units<V, INTERLEAVED>;
  const int perHead = U::rotated(rotaryDim), all = numHeads * perHead;
  for (int row = blockIdx.y; row < numRows; row += gridDim.y) {
    const float* table = cosSin + (long)positions[row] * rotaryDim;
    for (int u = blockIdx.x * blockDim.x + threadIdx.x; u < all; u += gridDim.x * blockDim.x) {
      const int head = u / perHead;
      bf16* p = x + (long)row * rowStride + head * headDim;
      U::rotate(Bf16Row{p}, p, u - head * perHead, table, rotaryDim);
    }
  }
}

template <int V, bool INTERLEAVED, typename Row>
__device__ __forceinline__ void rotate_and_write(bf16* qkv, int rowStride, const int* positions, const int* slotMapping,
                                                 const float* cosSin, Row kCache, Row vCache, int numHeads,
                                                 int numKvHeads, int headDim, int rotaryDim, int blockSize, int numRows) {
  using U = Units<V, INTERLEAVED>;
  const int rotated = U::rotated(rotaryDim), perHead = U::all(headDim, rotaryDim), perV = headDim / 8;
  const int qUnits = numHeads * rotated, kUnits = qUnits + numKvHeads * perHead, all = kUnits + numKvHeads * perV;
  for (int row = blockIdx.y; row < numRows; row += gridDim.y) {
    const int slot = slotMapping[row];
    const float* table = cosSin + (long)positions[row] * rotaryDim;
    bf16* x = qkv + (long)row * rowStride;
    for (int u = blockIdx.x * blockDim.x + threadIdx.x; u < all; u += gridDim.x * blockDim.x) {
      if (u < qUnits) {
        const int head = u / rotated;
        U::rotate(Bf16Row{x + head * headDim}, x + head * headDim, u - head * rotated, table, rotaryDim);
      } else if (slot >= 0 && u < kUnits) {
        const int head = (u - qUnits) / perHead, unit = u - qUnits - head * perHead;
        const bf16* k = x + (numHeads + head) * headDim;
        const Row to = kCache + cache_offset(slot, head, numKvHeads, blockSize, headDim);
        if (unit < rotated) {
          U::rotate(to, k, unit, table, rotaryDim);
        } else {
          U::copy(to, k, unit, rotaryDim);
        }
      } else if (slot >= 0) {
        const int head = (u - kUnits) / perV, i = 8 * (u - kUnits - head * perV);
        (vCache + cache_offset(slot, head, numKvHeads, blockSize, headDim) + i)
            .template copy<8>(x + (numHeads + numKvHeads + head) * headDim + i);
      }
    }
  }
}

template <typename Row>
__device__ __forceinline__ void rotate_and_write(bf16* qkv, int rowStride, const int* positions, const int* slotMapping,
                                                 const float* cosSin, Row kCache, Row vCache, int numHeads,
                                                 int numKvHeads, int headDim, int rotaryDim, int interleaved, int blockSize,
                                                 int numRows) {
#define ROTATE(V, I)                                                                                                 \
  rotate_and_write<V, I>(qkv, rowStride, positions, slotMapping, cosSin, kCache, vCache, numHeads, numKvHeads, headDim, \
                         rotaryDim, blockSize, numRows)
  if (interleaved) {
    if (rotaryDim % 8 == 0) ROTATE(8, true); else ROTATE(1, true);
  } else {
    if (rotaryDim % 16 == 0) ROTATE(8, false); else ROTATE(1, false);
  }
#undef ROTATE
}

template <typename Row>
__device__ __forceinline__ void write(const bf16* qkv, int rowStride, const int* slotMapping, Row kCache, Row vCache,
                                      int numHeads, int numKvHeads, int headDim, int blockSize, int numRows) {
  const int perHead = headDim / 8, half = numKvHeads * perHead;
  for (int row = blockIdx.y; row < numRows; row += gridDim.y) {
    const int slot = slotMapping[row];
    if (slot < 0) continue;
    const bf16* x = qkv + (long)row * rowStride + numHeads * headDim;
    for (int u = blockIdx.x * blockDim.x + threadIdx.x; u < 2 * half; u += gridDim.x * blockDim.x) {
      const int head = u / perHead, i = 8 * (u - head * perHead), kvHead = u < half ? head : head - numKvHeads;
      ((u < half ? kCache : vCache) + cache_offset(slot, kvHead, numKvHeads, blockSize, headDim) + i)
          .template copy<8>(x + head * headDim + i);
    }
  }
}

}  // namespace rope

extern "C" __global__ void __launch_bounds__(128)
    rope_bf16(bf16* x, int column, int numHeads, int headDim, int rowStride, const int* positions, const float* cosSin,
              int rotaryDim, int interleaved, int numRows) {
  let_next_start();
  wait_for_previous();
  x += column;
#define ROTATE(V, I) rope::rotate_heads<V, I>(x, numHeads, headDim, rowStride, positions, cosSin, rotaryDim, numRows)
  if (interleaved) {
    if (rotaryDim % 8 == 0) ROTATE(8, true); else ROTATE(1, true);
  } else {
    if (rotaryDim % 16 == 0) ROTATE(8, false); else ROTATE(1, false);
  }
#undef ROTATE
}

extern "C" __global__ void __launch_bounds__(128)
    rope_kv_write_bf16(bf16* qkv, int rowStride, const int* positions, const int* slotMapping, const float* cosSin,
                       bf16* kCache, bf16* vCache, int numHeads, int numKvHeads, int headDim, int rotaryDim,
                       int interleaved, int blockSize, int numRows) {
  let_next_start();
  wait_for_previous();
  rope::rotate_and_write(qkv, rowStride, positions, slotMapping, cosSin, rope::Bf16Row{kCache}, rope::Bf16Row{vCache},
                         numHeads, numKvHeads, headDim, rotaryDim, interleaved, blockSize, numRows);
}

extern "C" __global__ void __launch_bounds__(128)
    rope_kv_write_fp8(bf16* qkv, int rowStride, const int* positions, const int* slotMapping, const float* cosSin,
                      e4m3* kCache, e4m3* vCache, int numHeads, int numKvHeads, int headDim, int rotaryDim,
                      int interleaved, int blockSize, int numRows, float keyScale, float valueScale) {
  let_next_start();
  wait_for_previous();
  rope::rotate_and_write(qkv, rowStride, positions, slotMapping, cosSin, rope::Fp8Row{kCache, keyScale},
                         rope::Fp8Row{vCache, valueScale}, numHeads, numKvHeads, headDim, rotaryDim, interleaved, blockSize,
                         numRows);
}

// The cache write alone, for models without rope and for k that is rotated already.
extern "C" __global__ void __launch_bounds__(128)
    kv_write_bf16(const bf16* qkv, int rowStride, const int* slotMapping, bf16* kCache, bf16* vCache, int numHeads,
                  int numKvHeads, int headDim, int blockSize, int numRows) {
  let_next_start();
  wait_for_previous();
  rope::write(qkv, rowStride, slotMapping, rope::Bf16Row{kCache}, rope::Bf16Row{vCache}, numHeads, numKvHeads, headDim,
              blockSize, numRows);
}

extern "C" __global__ void __launch_bounds__(128)
    kv_write_fp8(const bf16* qkv, int rowStride, const int* slotMapping, e4m3* kCache, e4m3* vCache, int numHeads,
                 int numKvHeads, int headDim, int blockSize, int numRows, float keyScale, float valueScale) {
  let_next_start();
  wait_for_previous();
  rope::write(qkv, rowStride, slotMapping, rope::Fp8Row{kCache, keyScale}, rope::Fp8Row{vCache, valueScale}, numHeads,
              numKvHeads, headDim, blockSize, numRows);
}
