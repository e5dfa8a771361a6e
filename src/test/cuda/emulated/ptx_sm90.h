// The primitives of src/main/cuda/ptx_sm90.cuh, as the PTX manual describes them.
#pragma once
#define QUIRE_PTX_SM90  // takes the place of src/main/cuda/ptx_sm90.cuh
#define __CUDA_ARCH_FEAT_SM90_ALL
#include <cuda.h>
#include "ptx.h"
#include "tensor_map.h"

namespace ptx {

// An mbarrier in its eight bytes of shared memory.
struct Barrier {
  int bytes;  // announced and not yet arrived
  uint8_t count, pending, phase, valid;
  void settle();
};

void barrier_init(uint64_t* bar, int arrivals);
void barrier_expect(uint64_t* bar, int bytes);
void barrier_arrive(uint64_t* bar);
void barrier_wait(uint64_t* bar, uint32_t parity);
inline void fence_barrier_init() {}
inline void fence_async_shared() {}
inline void clear16(uint32_t address) { memset(emulated::shared_at(address, 16), 0, 16); }

inline void prefetch_map(const CUtensorMap*) {}
void copy_box(uint32_t to, const CUtensorMap* map, uint64_t* bar, int rank, int x, int y, int z, int w);
inline void copy_3d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z) {
  copy_box(to, map, bar, 3, x, y, z, 0);
}
inline void copy_4d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z, int w) {
  copy_box(to, map, bar, 4, x, y, z, w);
}

template <int REGISTERS> inline void more_registers() {}
template <int REGISTERS> inline void fewer_registers() {}
inline void named_sync(int id, int threads) { emulated::meet(emulated::named[id], threads); }
inline void named_arrive(int id, int threads) { emulated::meet(emulated::named[id], threads, false); }

// Before each block.
void forget_sm90();

// Products of a warpgroup: issued by each of its threads, done between the last thread's issue and the first wait for them.
void mma_issue(float* d, int n, const uint32_t* registers, uint64_t a, uint64_t b, bool add);
void mma_commit();
void mma_wait(unsigned pending);
inline void mma_fence() {}
template <int PENDING> inline void mma_wait() { mma_wait((unsigned)PENDING); }
template <int N> inline void pin(float (&)[N]) {}

template <int N>
inline void product_shared(float (&d)[N], uint64_t a, uint64_t b, bool add) {
  mma_issue(d, 2 * N, nullptr, a, b, add);
}
template <int N>
inline void product_registers(float (&d)[N], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint64_t b) {
  const uint32_t a[4] = {a0, a1, a2, a3};
  mma_issue(d, 2 * N, a, 0, b, true);
}

}  // namespace ptx
