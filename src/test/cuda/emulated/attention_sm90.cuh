// The primitives of src/main/cuda/attention_sm90.cuh for a processor without a GPU: threads are fibers of one host thread,
// barriers, tensor copies and warpgroup products follow the PTX manual. Copies and products finish as late or as early as
// the chosen schedule says, so a missing wait gives a wrong result, and barriers that nobody completes are reported.
#pragma once
#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __grid_constant__
#define __grid_constant__
#undef __shared__
#define __shared__

constexpr int SHARED_BYTES = 240 << 10;
namespace sm90_attention {
alignas(1024) uint8_t sm90_attention_shared[SHARED_BYTES];
}

namespace emulated {

extern "C" void emulated_switch(void** from, void* to);
asm(R"(.text
.globl emulated_switch
emulated_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
)");

struct Meeting {
  int waiting = 0;
  unsigned generation = 0;
};

struct Fiber {
  void* stack = nullptr;
  void* at = nullptr;
  bool done = false;
  unsigned issued = 0;         // warpgroup products of this thread
  std::vector<unsigned> ends;  // first product after each committed group
};

struct Product {
  int issued = 0, n = 0;
  bool add = true, registers = false, done = false;
  uint64_t a = 0, b = 0;
  float* d[128];
  uint32_t p[128][4];
};

struct Copy {
  uint32_t to;
  const void* map;
  void* bar;
  int at[4], delay;
};

struct Map {
  const __nv_bfloat16* p;
  int rank;
  long dims[4], strides[4];
  int box[4];
};

constexpr int MAX_THREADS = 512, STACK = 1 << 16;
inline Fiber fibers[MAX_THREADS];
inline void* scheduler;
inline int current, numThreads;
inline long progress;
inline bool eager;
inline std::mt19937 dice(1);
inline Meeting warpMeeting[MAX_THREADS / 32], blockMeeting, named[16];
inline uint32_t lanes[MAX_THREADS / 32][32];
inline std::deque<Product> products[MAX_THREADS / 128];
inline unsigned finished[MAX_THREADS / 128];
inline std::vector<Copy> copies;
inline uint8_t* const shared = sm90_attention::sm90_attention_shared;
inline void (*entry)();

inline void yield() { emulated_switch(&fibers[current].at, scheduler); }

inline void meet(Meeting& m, int count, bool wait = true) {
  unsigned g = m.generation;
  if (++m.waiting == count) m.waiting = 0, m.generation++, progress++;
  else if (wait)
    while (m.generation == g) yield();
}

inline uint32_t exchange(uint32_t v, int from) {
  int w = current / 32;
  lanes[w][current % 32] = v;
  meet(warpMeeting[w], 32);
  uint32_t r = lanes[w][from];
  meet(warpMeeting[w], 32);
  return r;
}

inline float element(uint32_t address) {
  address ^= (address >> 7 & 7) << 4;
  if (address + 2 > SHARED_BYTES) printf("FAILED: product outside shared memory\n"), exit(1);
  __nv_bfloat16 v;
  memcpy((void*)&v, shared + address, 2);
  return __bfloat162float(v);
}

inline void execute(Product& x) {
  static float a[64][16], b[16][256], c[256];
  uint32_t startA = (x.a & 0x3fff) << 4, startB = (x.b & 0x3fff) << 4, strideA = (x.a >> 32 & 0x3fff) << 4;
  uint32_t strideB = (x.b >> 32 & 0x3fff) << 4, leadB = (x.b >> 16 & 0x3fff) << 4;
  if (x.b >> 62 != 1) printf("FAILED: swizzle\n"), exit(1);
  for (int r = 0; r < 64; r++)
    for (int k = 0; k < 16; k++) {
      if (x.registers) {
        uint32_t v = x.p[r / 16 * 32 + r % 8 * 4 + k % 8 / 2][r % 16 / 8 + k / 8 * 2] >> k % 2 * 16 << 16;
        memcpy(&a[r][k], &v, 4);
      } else {
        a[r][k] = element(startA + r / 8 * strideA + r % 8 * 128 + k * 2);
      }
    }
  for (int k = 0; k < 16; k++)
    for (int n = 0; n < x.n; n++)
      b[k][n] = x.registers ? element(startB + n / 64 * leadB + k / 8 * strideB + k % 8 * 128 + n % 64 * 2)
                            : element(startB + n / 8 * strideB + n % 8 * 128 + k * 2);
  for (int r = 0; r < 64; r++) {
    for (int n = 0; n < x.n; n++) c[n] = 0;
    for (int k = 0; k < 16; k++)
      for (int n = 0; n < x.n; n++) c[n] += a[r][k] * b[k][n];
    for (int n = 0; n < x.n; n++) {
      float& d = x.d[r / 16 * 32 + r % 8 * 4 + n % 8 / 2][n / 8 * 4 + r % 16 / 8 * 2 + n % 2];
      d = x.add ? d + c[n] : c[n];
    }
  }
  x.done = true;
  progress++;
}

inline void issue(float* d, int n, bool registers, const uint32_t* p, uint64_t a, uint64_t b, bool add) {
  auto& list = products[current / 128];
  unsigned i = fibers[current].issued++;
  if (i == list.size()) list.emplace_back();
  Product& x = list[i];
  x.n = n, x.registers = registers, x.a = a, x.b = b, x.add = add;
  x.d[current % 128] = d;
  if (p) memcpy(x.p[current % 128], p, 16);
  if (++x.issued == 128 && eager) execute(x);
}

// Late: a product runs when the last of the four warps' threads waits for it.
inline void wait_products(int pending) {
  Fiber& f = fibers[current];
  if ((int)f.ends.size() <= pending) return;
  unsigned end = f.ends[f.ends.size() - 1 - pending];
  auto& list = products[current / 128];
  for (unsigned& i = finished[current / 128]; i < end;) {
    if (list[i].done) i++;
    else if (list[i].issued == 128) execute(list[i]);
    else yield();
  }
}

struct Barrier {
  int bytes;
  uint8_t count, pending, phase, unused;
  void settle() {
    progress++;
    if (pending == 0 && bytes == 0) phase ^= 1, pending = count;
  }
};

inline void finish(const Copy& c) {
  const Map& m = *(const Map*)c.map;
  int i[4] = {0, 0, 0, 0}, bytes = 0;
  for (i[3] = 0; i[3] < m.box[3]; i[3]++)
    for (i[2] = 0; i[2] < m.box[2]; i[2]++)
      for (i[1] = 0; i[1] < m.box[1]; i[1]++)
        for (i[0] = 0; i[0] < m.box[0]; i[0]++, bytes += 2) {
          long offset = 0;
          bool inside = true;
          for (int d = 0; d < 4; d++) {
            long x = c.at[d] + i[d];
            inside &= x >= 0 && x < m.dims[d];
            offset += x * m.strides[d];
          }
          uint32_t to = c.to + bytes;
          to ^= (to >> 7 & 7) << 4;
          __nv_bfloat16 v = inside ? m.p[offset] : __nv_bfloat16(0.f);
          memcpy(shared + to, (void*)&v, 2);
        }
  ((Barrier*)c.bar)->bytes -= bytes;  // expected first, by the lane that arms the barrier
  ((Barrier*)c.bar)->settle();
}

inline void start_fiber() {
  entry();
  fibers[current].done = true;
  progress++;
  for (;;) yield();
}

// Runs the block that `entry` calls in every thread.
inline void run_block(int threads, void (*call)()) {
  entry = call;
  numThreads = threads;
  memset(shared, 0xff, SHARED_BYTES);
  blockMeeting = Meeting();
  for (auto& m : warpMeeting) m = Meeting();
  for (auto& m : named) m = Meeting();
  for (auto& p : products) p.clear();
  for (auto& f : finished) f = 0;
  for (int i = 0; i < threads; i++) {
    Fiber& f = fibers[i];
    void* stack = f.stack ? f.stack : aligned_alloc(64, STACK);
    f = Fiber();
    f.stack = stack;
    void** top = (void**)((char*)stack + STACK) - 2;
    *top = nullptr;
    *--top = (void*)start_fiber;
    for (int r = 0; r < 6; r++) *--top = nullptr;
    f.at = top;
  }
  long seen = -1;
  int idle = 0;
  for (bool any = true; any;) {
    any = false;
    for (int w = 0; w < threads / 32; w++) {
      bool skip = dice() % 4 == 0;
      for (int l = 0; l < 32; l++) {
        Fiber& f = fibers[current = w * 32 + l];
        any |= !f.done;
        if (!f.done && !skip) emulated_switch(&scheduler, f.at);
      }
    }
    for (size_t i = 0; i < copies.size();)
      if (copies[i].delay-- <= 0) {
        finish(copies[i]);
        copies[i] = copies.back();
        copies.pop_back();
      } else {
        i++;
      }
    idle = progress == seen && copies.empty() ? idle + 1 : 0;
    seen = progress;
    if (idle > 1000) printf("FAILED: hangs\n"), exit(1);
  }
  if (copies.size()) printf("FAILED: copies after the end\n"), exit(1);
}

}  // namespace emulated

inline dim3 threadIdxOf() { return dim3(emulated::current); }
inline dim3 emulatedBlock, emulatedGrid;
#define threadIdx threadIdxOf()
#define blockIdx emulatedBlock
#define gridDim emulatedGrid
#define blockDim dim3(emulated::numThreads)

inline void __syncthreads() { emulated::meet(emulated::blockMeeting, emulated::numThreads); }
inline void __syncwarp() { emulated::meet(emulated::warpMeeting[emulated::current / 32], 32); }
template <typename T>
T __shfl_sync(unsigned, T v, int from) {
  uint32_t u;
  memcpy(&u, &v, 4);
  u = emulated::exchange(u, from);
  memcpy(&v, &u, 4);
  return v;
}
template <typename T>
T __shfl_xor_sync(unsigned m, T v, int bits) {
  return __shfl_sync(m, v, emulated::current % 32 ^ bits);
}
inline bool __any_sync(unsigned, bool v) {
  bool any = v;
  for (int b = 1; b < 32; b *= 2) any |= __shfl_xor_sync(0u, (int)any, b);
  return any;
}
inline int atomicAdd(int* p, int v) { return (*p += v) - v; }
inline int atomicExch(int* p, int v) { return std::swap(*p, v), v; }
inline uint4 __ldcs(const uint4* p) { return *p; }
inline float __fdividef(float a, float b) { return a / b; }
using std::max;
using std::min;

#include "common.cuh"

namespace sm90_attention {
using emulated::Barrier;
inline uint32_t shared_address(const void* p) { return (uint32_t)((const uint8_t*)p - emulated::shared); }
inline void barrier_init(uint64_t* bar, int n) { *(Barrier*)bar = {0, (uint8_t)n, (uint8_t)n, 0, 0}; }
inline void barrier_arrive(uint64_t* bar) {
  Barrier* b = (Barrier*)bar;
  if (!b->pending) printf("FAILED: too many arrivals\n"), exit(1);
  b->pending--;
  b->settle();
}
inline void barrier_expect(uint64_t* bar, int bytes) {
  ((Barrier*)bar)->bytes += bytes;
  barrier_arrive(bar);
}
inline void barrier_wait(uint64_t* bar, uint32_t parity) {
  while (*(volatile uint8_t*)&((Barrier*)bar)->phase == parity) emulated::yield();
}
inline void fence_barrier_init() {}
inline void fence_async_shared() {}
inline void clear16(uint32_t address) { memset(emulated::shared + address, 0, 16); }
inline float exp2_fast(float x) { return exp2f(x); }
inline void prefetch_map(const CUtensorMap*) {}
inline void copy_4d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z, int w) {
  if (to % 128) printf("FAILED: copy to %u\n", to), exit(1);
  emulated::copies.push_back({to, map, bar, {x, y, z, w}, (int)(emulated::dice() % (emulated::eager ? 2 : 200))});
}
inline void copy_3d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z) {
  copy_4d(to, map, bar, x, y, z, 0);
}
template <int N> void more_registers() {}
template <int N> void fewer_registers() {}
inline void named_sync(int id, int n) { emulated::meet(emulated::named[id], n); }
inline void named_arrive(int id, int n) { emulated::meet(emulated::named[id], n, false); }
inline void mma_fence() {}
inline void mma_commit() { emulated::fibers[emulated::current].ends.push_back(emulated::fibers[emulated::current].issued); }
template <int PENDING> void mma_wait() { emulated::wait_products(PENDING); }
template <int N> void pin(float (&)[N]) {}
template <int N> void product_shared(float (&d)[N], uint64_t a, uint64_t b, bool add) {
  emulated::issue(d, 2 * N, false, nullptr, a, b, add);
}
template <int N>
void product_registers(float (&d)[N], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint64_t b) {
  uint32_t p[4] = {a0, a1, a2, a3};
  emulated::issue(d, 2 * N, true, p, 0, b, true);
}
}  // namespace sm90_attention
