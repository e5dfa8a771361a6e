// What nvcc knows by itself, for g++: qualifiers, warp operations, atomics, intrinsics. Included before everything else.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <type_traits>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include "core.h"

#undef __forceinline__
#undef __shared__
#undef __grid_constant__
#define __forceinline__ inline
#define __shared__ static thread_local  // all thread-local variables become garbage before each block
#define __grid_constant__
#ifndef QUIRE_LIST_KERNELS  // the pass that lists the kernels looks for this word
#undef __launch_bounds__
#define __launch_bounds__(...)
#endif
#define DYNAMIC_SHARED(type, name) type* const name = reinterpret_cast<type*>(emulated::dynamicShared)

template <typename A, typename B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  return (std::common_type_t<A, B>)b < (std::common_type_t<A, B>)a ? (std::common_type_t<A, B>)b : (std::common_type_t<A, B>)a;
}
template <typename A, typename B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  return (std::common_type_t<A, B>)a < (std::common_type_t<A, B>)b ? (std::common_type_t<A, B>)b : (std::common_type_t<A, B>)a;
}

// ---- barriers and fences
inline void __syncthreads() { emulated::meet(emulated::blockMeeting, emulated::numLive, true, "__syncthreads"); }
inline void __syncwarp(unsigned mask = ~0u) { emulated::collective("__syncwarp", mask, nullptr); }
inline void __threadfence() {}
inline void __threadfence_block() {}

// ---- warp operations
namespace emulated {

template <typename T>
inline uint64_t bits_of(T v) {
  static_assert(sizeof(T) <= 8, "");
  uint64_t u = 0;
  memcpy(&u, &v, sizeof(T));
  return u;
}

inline void copy_lanes(Warp& w, uint32_t active) {
  for (uint32_t m = active; m; m &= m - 1) w.out[__builtin_ctz(m)] = w.in[__builtin_ctz(m)];
}

template <typename T>
inline T shuffle(const char* name, uint32_t mask, T v, int from) {
  Warp& w = warps[current / 32];
  const int lane = current % 32;
  w.in[lane] = bits_of(v);
  collective(name, mask, copy_lanes);
  if (!(w.active[lane] >> from & 1)) fault("%s reads lane %d, which takes no part", name, from);
  T r;
  memcpy(&r, &w.out[from], sizeof(T));
  return r;
}

template <typename Op>
inline uint64_t reduce(const char* name, uint32_t mask, uint64_t v) {
  Warp& w = warps[current / 32];
  w.in[current % 32] = v;
  collective(name, mask, [](Warp& x, uint32_t active) {
    uint64_t r = Op::start;
    for (uint32_t m = active; m; m &= m - 1) r = Op::of(r, x.in[__builtin_ctz(m)], __builtin_ctz(m));
    for (uint32_t m = active; m; m &= m - 1) x.out[__builtin_ctz(m)] = r;
  });
  return w.out[current % 32];
}

struct Ballot { static constexpr uint64_t start = 0; static uint64_t of(uint64_t a, uint64_t b, int lane) { return a | (uint64_t)(b != 0) << lane; } };
struct All { static constexpr uint64_t start = 1; static uint64_t of(uint64_t a, uint64_t b, int) { return a && b; } };
struct Add { static constexpr uint64_t start = 0; static uint64_t of(uint64_t a, uint64_t b, int) { return a + b; } };
struct And { static constexpr uint64_t start = ~0ull; static uint64_t of(uint64_t a, uint64_t b, int) { return a & b; } };
struct Or { static constexpr uint64_t start = 0; static uint64_t of(uint64_t a, uint64_t b, int) { return a | b; } };
struct Xor { static constexpr uint64_t start = 0; static uint64_t of(uint64_t a, uint64_t b, int) { return a ^ b; } };
struct Max { static constexpr uint64_t start = 0; static uint64_t of(uint64_t a, uint64_t b, int) { return a > b ? a : b; } };
struct Min { static constexpr uint64_t start = ~0ull; static uint64_t of(uint64_t a, uint64_t b, int) { return a < b ? a : b; } };

// Order of signed numbers as that of unsigned ones.
inline uint64_t raised(int v) { return (uint32_t)v ^ 0x80000000u; }
inline int lowered(uint64_t v) { return (int)((uint32_t)v ^ 0x80000000u); }

}  // namespace emulated

template <typename T>
T __shfl_sync(unsigned mask, T v, int from, int width = 32) {
  const int lane = emulated::current % 32;
  return emulated::shuffle("__shfl_sync", mask, v, (lane & ~(width - 1)) | (from & (width - 1)));
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T v, int bits, int width = 32) {
  const int lane = emulated::current % 32, from = lane ^ bits;
  return emulated::shuffle("__shfl_xor_sync", mask, v, (from & ~(width - 1)) <= (lane & ~(width - 1)) ? from : lane);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T v, unsigned n, int width = 32) {
  const int lane = emulated::current % 32, from = lane - (int)n;
  return emulated::shuffle("__shfl_up_sync", mask, v, from >= (lane & ~(width - 1)) ? from : lane);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T v, unsigned n, int width = 32) {
  const int lane = emulated::current % 32, from = lane + (int)n;
  return emulated::shuffle("__shfl_down_sync", mask, v, from < (lane & ~(width - 1)) + width ? from : lane);
}
inline unsigned __ballot_sync(unsigned m, int v) { return (unsigned)emulated::reduce<emulated::Ballot>("__ballot_sync", m, v != 0); }
inline int __any_sync(unsigned m, int v) { return emulated::reduce<emulated::Or>("__any_sync", m, v != 0) != 0; }
inline int __all_sync(unsigned m, int v) { return emulated::reduce<emulated::All>("__all_sync", m, v != 0) != 0; }
inline unsigned __activemask() { return emulated::warps[emulated::current / 32].live; }
inline unsigned __reduce_add_sync(unsigned m, unsigned v) { return (unsigned)emulated::reduce<emulated::Add>("__reduce_add_sync", m, v); }
inline int __reduce_add_sync(unsigned m, int v) { return (int)emulated::reduce<emulated::Add>("__reduce_add_sync", m, (unsigned)v); }
inline unsigned __reduce_max_sync(unsigned m, unsigned v) { return (unsigned)emulated::reduce<emulated::Max>("__reduce_max_sync", m, v); }
inline int __reduce_max_sync(unsigned m, int v) { return emulated::lowered(emulated::reduce<emulated::Max>("__reduce_max_sync", m, emulated::raised(v))); }
inline unsigned __reduce_min_sync(unsigned m, unsigned v) { return (unsigned)emulated::reduce<emulated::Min>("__reduce_min_sync", m, v); }
inline int __reduce_min_sync(unsigned m, int v) { return emulated::lowered(emulated::reduce<emulated::Min>("__reduce_min_sync", m, emulated::raised(v))); }
inline unsigned __reduce_and_sync(unsigned m, unsigned v) { return (unsigned)emulated::reduce<emulated::And>("__reduce_and_sync", m, v); }
inline unsigned __reduce_or_sync(unsigned m, unsigned v) { return (unsigned)emulated::reduce<emulated::Or>("__reduce_or_sync", m, v); }
inline unsigned __reduce_xor_sync(unsigned m, unsigned v) { return (unsigned)emulated::reduce<emulated::Xor>("__reduce_xor_sync", m, v); }
template <typename T>
unsigned __match_any_sync(unsigned mask, T v) {
  emulated::Warp& w = emulated::warps[emulated::current / 32];
  w.in[emulated::current % 32] = emulated::bits_of(v);
  emulated::collective("__match_any_sync", mask, [](emulated::Warp& x, uint32_t active) {
    for (int i = 0; i < 32; i++) {
      x.out[i] = 0;
      for (int j = 0; j < 32; j++) x.out[i] |= (uint64_t)((active >> j & 1) && x.in[i] == x.in[j]) << j;
    }
  });
  return (unsigned)w.out[emulated::current % 32];
}

// ---- atomics: blocks run one after another and threads change places only where they wait
namespace emulated {
template <typename T, typename F>
__attribute__((no_sanitize_thread, noinline)) T replace(T* p, F next) {
  observe(p, sizeof(T), true, true);
  const T old = *p;
  *p = next(old);
  if (shuffled && dice() % 16 == 0) progress++, yield();
  return old;
}
}  // namespace emulated
template <typename T, typename V> T atomicAdd(T* p, V v) { return emulated::replace(p, [=](T x) { return (T)(x + (T)v); }); }
template <typename T, typename V> T atomicSub(T* p, V v) { return emulated::replace(p, [=](T x) { return (T)(x - (T)v); }); }
template <typename T, typename V> T atomicMax(T* p, V v) { return emulated::replace(p, [=](T x) { return x < (T)v ? (T)v : x; }); }
template <typename T, typename V> T atomicMin(T* p, V v) { return emulated::replace(p, [=](T x) { return (T)v < x ? (T)v : x; }); }
template <typename T, typename V> T atomicOr(T* p, V v) { return emulated::replace(p, [=](T x) { return (T)(x | (T)v); }); }
template <typename T, typename V> T atomicAnd(T* p, V v) { return emulated::replace(p, [=](T x) { return (T)(x & (T)v); }); }
template <typename T, typename V> T atomicXor(T* p, V v) { return emulated::replace(p, [=](T x) { return (T)(x ^ (T)v); }); }
template <typename T, typename V> T atomicExch(T* p, V v) { return emulated::replace(p, [=](T) { return (T)v; }); }
template <typename T, typename C, typename V> T atomicCAS(T* p, C expected, V v) { return emulated::replace(p, [=](T x) { return x == (T)expected ? (T)v : x; }); }
inline unsigned atomicInc(unsigned* p, unsigned limit) { return emulated::replace(p, [=](unsigned x) { return x >= limit ? 0u : x + 1; }); }
inline unsigned atomicDec(unsigned* p, unsigned limit) { return emulated::replace(p, [=](unsigned x) { return x == 0 || x > limit ? limit : x - 1; }); }

// ---- loads and stores with hints
template <typename T> T __ldg(const T* p) { return *p; }
template <typename T> T __ldcs(const T* p) { return *p; }
template <typename T> T __ldcg(const T* p) { return *p; }
template <typename T> T __ldca(const T* p) { return *p; }
template <typename T> T __ldcv(const T* p) { return *p; }
template <typename T> T __ldlu(const T* p) { return *p; }
template <typename T, typename V> void __stcs(T* p, V v) { *p = v; }
template <typename T, typename V> void __stcg(T* p, V v) { *p = v; }
template <typename T, typename V> void __stwt(T* p, V v) { *p = v; }

// ---- arithmetic; compile with -ffp-contract=off
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return powf(10.f, x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float a, float b) { return fabsf(b) > 0x1p126f && !isinf(b) ? a * 0.f : a / b; }
inline float rsqrtf(float x) { return (float)(1.0 / sqrt((double)x)); }
inline float __frsqrt_rn(float x) { return rsqrtf(x); }
inline float __frcp_rn(float x) { return 1.f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline unsigned __float_as_uint(float x) { return (unsigned)emulated::bits_of(x); }
inline int __float_as_int(float x) { return (int)emulated::bits_of(x); }
inline float __uint_as_float(unsigned x) { float f; return memcpy(&f, &x, 4), f; }
inline float __int_as_float(int x) { return __uint_as_float((unsigned)x); }
inline long long __double_as_longlong(double x) { return (long long)emulated::bits_of(x); }
inline double __longlong_as_double(long long x) { double d; return memcpy(&d, &x, 8), d; }
inline float __uint2float_rn(unsigned x) { return (float)x; }
inline float __int2float_rn(int x) { return (float)x; }
inline float __ull2float_rn(unsigned long long x) { return (float)x; }
inline double __ull2double_rn(unsigned long long x) { return (double)x; }
namespace emulated {
// Out of range saturates, NaN is 0 (2^63 and beyond keep CUDA's pattern for 64 bits only up to the sign).
template <typename T>
inline T truncated(double x) {
  constexpr double limit = sizeof(T) == 8 ? (std::is_signed<T>::value ? 0x1p63 : 0x1p64) : (std::is_signed<T>::value ? 0x1p31 : 0x1p32);
  if (x != x) return 0;
  if (x >= limit) return (T) ~(T)0 < 0 ? (T)(~0ull >> (65 - 8 * sizeof(T) % 64) % 64) : (T)~0ull;
  if (x <= (std::is_signed<T>::value ? -limit : 0.)) return std::is_signed<T>::value ? (T)(1ull << (8 * sizeof(T) - 1)) : (T)0;
  return (T)x;
}
}  // namespace emulated
inline int __float2int_rz(float x) { return emulated::truncated<int>(x); }
inline int __float2int_rn(float x) { return emulated::truncated<int>(nearbyintf(x)); }
inline int __float2int_rd(float x) { return emulated::truncated<int>(floorf(x)); }
inline int __float2int_ru(float x) { return emulated::truncated<int>(ceilf(x)); }
inline unsigned __float2uint_rz(float x) { return emulated::truncated<unsigned>(x); }
inline unsigned __float2uint_rn(float x) { return emulated::truncated<unsigned>(nearbyintf(x)); }
inline unsigned long long __float2ull_rz(float x) { return emulated::truncated<unsigned long long>(x); }
inline unsigned long long __float2ull_rn(float x) { return emulated::truncated<unsigned long long>(nearbyintf(x)); }
inline unsigned long long __double2ull_rz(double x) { return emulated::truncated<unsigned long long>(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline unsigned __brev(unsigned x) {
  unsigned r = 0;
  for (int i = 0; i < 32; i++) r |= (x >> i & 1) << (31 - i);
  return r;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned __int128)a * b >> 64);
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 32; i += 8) c += (a >> i & 255) * (b >> i & 255);
  return c;
}
inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 32; i += 8) c += (int8_t)(a >> i) * (int8_t)(b >> i);
  return c;
}
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned s) {
  const uint64_t both = (uint64_t)b << 32 | a;
  unsigned r = 0;
  for (int i = 0; i < 4; i++) r |= (unsigned)(both >> (s >> 4 * i & 7) * 8 & 255) << 8 * i;
  return r;
}
inline unsigned __funnelshift_l(unsigned lo, unsigned hi, unsigned n) { return (unsigned)(((uint64_t)hi << 32 | lo) << (n & 31) >> 32); }
inline unsigned __funnelshift_r(unsigned lo, unsigned hi, unsigned n) { return (unsigned)(((uint64_t)hi << 32 | lo) >> (n & 31)); }
inline void __trap() { emulated::fault("__trap"); }

#define QUIRE_EMULATED  // the primitives come from here
#define __CUDA_ARCH_FEAT_SM90_ALL
#include "ptx.h"
#include "sm90.h"
