// Hopper primitives of the prefill attention: mbarriers, tensor copies, matrix descriptors and warpgroup products.
#pragma once
#include <cuda.h>
#include "common.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL) && !defined(QUIRE_EMULATED)
namespace sm90_attention {

__device__ __forceinline__ uint32_t shared_address(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }

__device__ __forceinline__ void barrier_init(uint64_t* bar, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(bar)), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void barrier_expect(uint64_t* bar, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(bar)), "r"(bytes) : "memory");
}

__device__ __forceinline__ void barrier_arrive(uint64_t* bar) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(bar)) : "memory");
}

// Returns once the phase with this parity has completed.
__device__ __forceinline__ void barrier_wait(uint64_t* bar, uint32_t parity) {
  uint32_t done;
  do {
    asm volatile(
        "{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
        : "=r"(done)
        : "r"(shared_address(bar)), "r"(parity)
        : "memory");
  } while (!done);
}

__device__ __forceinline__ void fence_barrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// Ordinary writes of shared memory become visible to the tensor cores and the copy engine.
__device__ __forceinline__ void fence_async_shared() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

__device__ __forceinline__ void clear16(uint32_t address) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %1, %1, %1};" ::"r"(address), "r"(0) : "memory");
}

__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

__device__ __forceinline__ void prefetch_map(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

__device__ __forceinline__ void copy_3d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];" ::"r"(to),
      "l"(map), "r"(shared_address(bar)), "r"(x), "r"(y), "r"(z)
      : "memory");
}

__device__ __forceinline__ void copy_4d(uint32_t to, const CUtensorMap* map, uint64_t* bar, int x, int y, int z, int w) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];" ::"r"(
          to),
      "l"(map), "r"(shared_address(bar)), "r"(x), "r"(y), "r"(z), "r"(w)
      : "memory");
}

template <int REGISTERS>
__device__ __forceinline__ void more_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

template <int REGISTERS>
__device__ __forceinline__ void fewer_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

__device__ __forceinline__ void named_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

__device__ __forceinline__ void named_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

__device__ __forceinline__ void mma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void mma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

template <int PENDING>
__device__ __forceinline__ void mma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// Where ptxas may not move what comes later to before what comes earlier: a branch ends a basic block. It otherwise moves a
// wait for products up to the last branch, and what should run beside the products runs after them. `never` is false, which
// the compiler must not know.
__device__ __forceinline__ void stay_behind(bool never) {
  if (never) __nanosleep(100);
}

// Keeps the compiler from moving uses of the registers across a wait.
template <int N>
__device__ __forceinline__ void pin(float (&r)[N]) {
#pragma unroll
  for (int i = 0; i < N; i++) asm volatile("" : "+f"(r[i])::"memory");
}

#define A90_R0 "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define A90_R1 "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define A90_R2 "%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define A90_R3 "%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"
#define A90_F4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define A90_F16(i) A90_F4(i), A90_F4(i + 4), A90_F4(i + 8), A90_F4(i + 12)
#define A90_F32(i) A90_F16(i), A90_F16(i + 16)
#define A90_F40(i) A90_F32(i), A90_F4(i + 32), A90_F4(i + 36)
#define A90_F48(i) A90_F32(i), A90_F16(i + 32)
#define A90_F64(i) A90_F32(i), A90_F32(i + 32)

// 64 x N products of a warpgroup, N = twice the registers of `d`.
#define A90_SHARED_PRODUCT(N, REGISTERS, OUTPUTS, A, B, ADD)                                                         \
  __device__ __forceinline__ void product_shared(float (&d)[N / 2], uint64_t a, uint64_t b, bool add) {              \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, " ADD ", 0; wgmma.mma_async.sync.aligned.m64n" #N                   \
                 "k16.f32.bf16.bf16 {" REGISTERS "}, " A ", " B ", p, 1, 1, 0, 0; }"                                 \
                 : OUTPUTS                                                                                           \
                 : "l"(a), "l"(b), "r"((int)add));                                                                   \
  }
#define A90_REGISTER_PRODUCT(NAME, COLUMNS, N, REGISTERS, OUTPUTS, A, B)                                                  \
  __device__ __forceinline__ void NAME(float (&d)[N / 2], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,        \
                                       uint64_t b) {                                                                 \
    asm volatile("{ .reg .pred p; setp.eq.b32 p, 0, 0; wgmma.mma_async.sync.aligned.m64n" #N                         \
                 "k16.f32.bf16.bf16 {" REGISTERS "}, {" A "}, " B ", p, 1, 1, " COLUMNS "; }"                        \
                 : OUTPUTS                                                                                           \
                 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "l"(b));                                                      \
  }

#define A90_F96(i) A90_F64(i), A90_F32(i + 64)
// Both operands K-major in shared memory (Q and K).
A90_SHARED_PRODUCT(64, A90_R0, A90_F32(0), "%32", "%33", "%34")
A90_SHARED_PRODUCT(128, A90_R0 "," A90_R1, A90_F64(0), "%64", "%65", "%66")
A90_SHARED_PRODUCT(192, A90_R0 "," A90_R1 "," A90_R2, A90_F96(0), "%96", "%97", "%98")
// The first operand in registers (P), the second with its columns contiguous (V); adds to d.
A90_REGISTER_PRODUCT(product_registers, "1", 64, A90_R0, A90_F32(0), "%32,%33,%34,%35", "%36")
A90_REGISTER_PRODUCT(product_registers, "1", 80, A90_R0 ",%32,%33,%34,%35,%36,%37,%38,%39", A90_F40(0), "%40,%41,%42,%43", "%44")
A90_REGISTER_PRODUCT(product_registers, "1", 96,
                     A90_R0 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47", A90_F48(0), "%48,%49,%50,%51", "%52")
A90_REGISTER_PRODUCT(product_registers, "1", 128, A90_R0 "," A90_R1, A90_F64(0), "%64,%65,%66,%67", "%68")
#define A90_F128(i) A90_F64(i), A90_F64(i + 64)
A90_REGISTER_PRODUCT(product_registers, "1", 256, A90_R0 "," A90_R1 "," A90_R2 "," A90_R3, A90_F128(0),
                     "%128,%129,%130,%131", "%132")
// The same with both operands K-major (weights in registers, inputs in shared memory).
A90_REGISTER_PRODUCT(product_registers_k, "0", 64, A90_R0, A90_F32(0), "%32,%33,%34,%35", "%36")
A90_REGISTER_PRODUCT(product_registers_k, "0", 128, A90_R0 "," A90_R1, A90_F64(0), "%64,%65,%66,%67", "%68")
A90_REGISTER_PRODUCT(product_registers_k, "0", 256, A90_R0 "," A90_R1 "," A90_R2 "," A90_R3, A90_F128(0),
                     "%128,%129,%130,%131", "%132")

#undef A90_R0
#undef A90_R1
#undef A90_R2
#undef A90_R3
#undef A90_F4
#undef A90_F16
#undef A90_F32
#undef A90_F40
#undef A90_F48
#undef A90_F64
#undef A90_F128
#undef A90_SHARED_PRODUCT
#undef A90_REGISTER_PRODUCT

}  // namespace sm90_attention
#endif
