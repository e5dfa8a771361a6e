// The primitives of src/main/cuda/attention_sm90.cuh: mbarriers, tensor copies, warpgroup products. Copies and products
// finish as late or as early as the schedule says.
#pragma once
#include <cuda.h>
#include "builtins.h"

namespace emulated {

// An mbarrier, in the 8 bytes of shared memory that the kernel gives it.
struct Barrier {
  int bytes;
  uint8_t count, pending, phase, unused;
};
// What a CUtensorMap holds here.
struct Map {
  const void* p;
  int rank;
  long dims[4], strides[4];  // strides in bytes, the first is 2
  int box[4];
};

int encode_tensor_map(CUtensorMap* map, CUtensorMapDataType type, unsigned rank, void* p, const cuuint64_t* dims, const cuuint64_t* strides,
                      const cuuint32_t* box, const cuuint32_t* elementStrides, CUtensorMapInterleave interleave,
                      CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill);
void settle(Barrier* b);
void wait_phase(Barrier* b, uint32_t parity);
void copy_tensor(uint32_t to, const CUtensorMap* map, Barrier* b, int rank, int x, int y, int z, int w);
// p: the first operand in registers, or null; columns: the second one's columns are contiguous.
void issue_product(float* d, int n, const uint32_t* p, uint64_t a, uint64_t b, bool add, bool columns);
void commit_products();
void wait_products(unsigned pending);

}  // namespace emulated

namespace sm90_attention {

using emulated::Barrier;
using emulated::shared_address;
using ptx::exp2_fast;

inline void barrier_init(uint64_t* bar, int n) {
  if ((uintptr_t)bar % 8) emulated::fault("an mbarrier at %p", (void*)bar);
  emulated::observing = nullptr;
  *(Barrier*)bar = {0, (uint8_t)n, (uint8_t)n, 0, 0};
}
inline void barrier_arrive(uint64_t* bar) {
  Barrier* b = (Barrier*)bar;
  if (b->unused || !b->pending || b->pending > b->count) emulated::fault("too many arrivals at an mbarrier, or none awaited");
  b->pending--;
  emulated::settle(b);
}
inline void barrier_expect(uint64_t* bar, int bytes) {
  ((Barrier*)bar)->bytes += bytes;
  barrier_arrive(bar);
}
inline void barrier_wait(uint64_t* bar, uint32_t parity) { emulated::wait_phase((Barrier*)bar, parity); }
inline void fence_barrier_init() {}
inline void fence_async_shared() {}
inline void clear16(uint32_t address) { memset(emulated::shared_at(address, 16), 0, 16); }
inline void prefetch_map(const CUtensorMap*) {}
inline void copy_3d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z) {
  emulated::copy_tensor(to, map, (Barrier*)bar, 3, x, y, z, 0);
}
inline void copy_4d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z, int w) {
  emulated::copy_tensor(to, map, (Barrier*)bar, 4, x, y, z, w);
}
template <int N>
void more_registers() {}
template <int N>
void fewer_registers() {}
inline void named_sync(int id, int n) { emulated::meet(emulated::named[id], n); }
inline void named_arrive(int id, int n) { emulated::meet(emulated::named[id], n, false); }
inline void mma_fence() { emulated::collective("wgmma.fence", ~0u, nullptr); }
inline void mma_commit() { emulated::commit_products(); }
template <int PENDING>
void mma_wait() {
  emulated::wait_products(PENDING);
}
inline void stay_behind(bool) {}
template <int N>
void pin(float (&)[N]) {}
template <int N>
void product_shared(float (&d)[N], uint64_t a, uint64_t b, bool add) {
  emulated::issue_product(d, 2 * N, nullptr, a, b, add, false);
}
template <int N>
void product_registers(float (&d)[N], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint64_t b) {
  const uint32_t p[4] = {a0, a1, a2, a3};
  emulated::issue_product(d, 2 * N, p, 0, b, true, true);
}
template <int N>
void product_registers_k(float (&d)[N], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint64_t b) {
  const uint32_t p[4] = {a0, a1, a2, a3};
  emulated::issue_product(d, 2 * N, p, 0, b, true, false);
}

}  // namespace sm90_attention
