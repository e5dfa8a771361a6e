// The primitives of src/main/cuda/ptx.cuh, as the PTX manual describes them.
#pragma once
#include "builtins.h"

namespace ptx {

using emulated::shared_address;

// ---- asynchronous copies
void copy(uint32_t to, const void* from, unsigned bytes);
void copy_commit();
void copy_wait(unsigned pending);

inline void copy16(uint32_t to, const void* from) { copy(to, from, 16); }
inline void copy16_or_zero(uint32_t to, const void* from, bool valid) { copy(to, from, valid ? 16 : 0); }
inline void copy16_or_zero_ahead(uint32_t to, const void* from, bool valid) { copy(to, from, valid ? 16 : 0); }
template <int N>
inline void copy_wait() {
  copy_wait((unsigned)N);
}

inline uint4 read16(uint32_t address) {
  uint4 v;
  memcpy(&v, emulated::shared_at(address, 16), 16);
  return v;
}

// ---- tensor cores: the last lane to come does the warp's work
struct MatrixLoad {
  uint32_t* r;
  const unsigned char* row;
};

template <bool TRANS>
__attribute__((no_sanitize_thread)) inline void load_matrices(emulated::Warp& w, uint32_t active) {
  if (active != ~0u) return emulated::fault("ldmatrix by mask %08x", active);
  uint32_t results[32][4];
  for (int i = 0; i < 4; i++) {
    uint16_t m[8][8];
    for (int r = 0; r < 8; r++) memcpy(m[r], ((const MatrixLoad*)w.arguments[8 * i + r])->row, 16);
    for (int l = 0; l < 32; l++) {
      const int r = l / 4, c = l % 4 * 2;
      results[l][i] = TRANS ? m[c][r] | (uint32_t)m[c + 1][r] << 16 : m[r][c] | (uint32_t)m[r][c + 1] << 16;
    }
  }
  for (int l = 0; l < 32; l++) memcpy(((const MatrixLoad*)w.arguments[l])->r, results[l], 16);
}

template <bool TRANS>
inline void load_matrices(uint32_t (&r)[4], uint32_t address) {
  if (address % 16) emulated::fault("ldmatrix of a row at %u", address);
  MatrixLoad load = {r, emulated::shared_at(address, 16)};
  emulated::observe(load.row, 16, false);
  emulated::warps[emulated::current / 32].arguments[emulated::current % 32] = &load;
  emulated::collective(TRANS ? "ldmatrix.trans" : "ldmatrix", ~0u, load_matrices<TRANS>);
}
inline void ldmatrix4(uint32_t (&r)[4], uint32_t address) { load_matrices<false>(r, address); }
inline void ldmatrix4_trans(uint32_t (&r)[4], uint32_t address) { load_matrices<true>(r, address); }

struct Product {
  float* c;
  uint32_t a[4], b[2];
};
void multiply(emulated::Warp& w, uint32_t active);
void multiply_f16(emulated::Warp& w, uint32_t active);

inline void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  Product p = {c, {a[0], a[1], a[2], a[3]}, {b0, b1}};
  emulated::warps[emulated::current / 32].arguments[emulated::current % 32] = &p;
  emulated::collective("mma", ~0u, multiply);
}
inline void mma_f16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  Product p = {c, {a[0], a[1], a[2], a[3]}, {b0, b1}};
  emulated::warps[emulated::current / 32].arguments[emulated::current % 32] = &p;
  emulated::collective("mma", ~0u, multiply_f16);
}

struct ByteProduct {
  int* c;
  uint32_t a[4], b[2];
};
void multiply_s8(emulated::Warp& w, uint32_t active);

inline void mma_s8(int (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  ByteProduct p = {c, {a[0], a[1], a[2], a[3]}, {b0, b1}};
  emulated::warps[emulated::current / 32].arguments[emulated::current % 32] = &p;
  emulated::collective("mma.s8", ~0u, multiply_s8);
}

// ---- arithmetic
uint16_t half_of_e4m3(uint8_t code);
uint8_t e4m3_of(float x);
inline uint32_t halves_of_e4m3x2(uint16_t two) { return half_of_e4m3((uint8_t)two) | (uint32_t)half_of_e4m3(two >> 8) << 16; }
inline uint32_t e4m3x2_of(float lo, float hi) { return e4m3_of(lo) | e4m3_of(hi) << 8; }
inline uint32_t rounded_bf16(float v) {
  const uint32_t bits = __float_as_uint(v);
  return v != v ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}
inline uint32_t add_bf16x2(uint32_t a, uint32_t b) {
  return rounded_bf16(__uint_as_float(a << 16) + __uint_as_float(b << 16)) |
         rounded_bf16(__uint_as_float(a & 0xffff0000u) + __uint_as_float(b & 0xffff0000u)) << 16;
}
inline uint32_t multiply_bf16x2(uint32_t a, uint32_t b) {
  return rounded_bf16(__uint_as_float(a << 16) * __uint_as_float(b << 16)) |
         rounded_bf16(__uint_as_float(a & 0xffff0000u) * __uint_as_float(b & 0xffff0000u)) << 16;
}
inline float exp2_fast(float x) {
  float y = exp2f(fabsf(x) < 0x1p-126f ? 0.f : x);
  return y < 0x1p-126f ? 0.f : y;
}

}  // namespace ptx

inline size_t __cvta_generic_to_shared(const void* p) { return emulated::shared_address(p); }
