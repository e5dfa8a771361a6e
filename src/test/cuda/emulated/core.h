// Runs CUDA kernels on a processor without a GPU: the threads of a block are fibers of one host thread, blocks run one
// after another. Shared memory starts as garbage, asynchronous work is done as late or as early as the schedule says, and
// threads that wait for each other in vain are reported.
#pragma once
#include <stdint.h>
#include <string.h>
#include <vector_types.h>

namespace emulated {

constexpr int MAX_THREADS = 1024, MAX_WARPS = MAX_THREADS / 32;
constexpr unsigned SHARED_BYTES = 227 << 10;  // that one block can have on Hopper

// A barrier of any threads of the block.
struct Meeting {
  int waiting = 0;
  unsigned generation = 0;
  uint32_t asleep[MAX_WARPS] = {};
};

struct Fiber {
  void* at = nullptr;  // its stack pointer; null before it starts
  void* stack = nullptr;
  const char* where = "";  // what it waits in, and which one
  long which = 0;
  bool done = false;
};

// One operation that lanes of a warp do together.
struct Group {
  uint32_t mask = 0, arrived = 0;
  const char* name = "";
  void (*finish)(struct Warp&, uint32_t) = nullptr;
};

struct Warp {
  uint32_t ready = 0, live = 0;
  unsigned epoch = 0;  // grows with each __syncwarp
  Group groups[4];
  // Of each lane: what it brought, what it takes away, and who took part.
  uint64_t in[32], out[32];
  const void* arguments[32];
  uint32_t active[32];
};

struct Dice {
  uint64_t state = 1;
  uint32_t operator()() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 16);
  }
};

extern Fiber fibers[MAX_THREADS];
extern Warp warps[MAX_WARPS];
extern int current, numThreads, numLive;  // current: the running thread
extern long progress;                     // grows whenever something happens that others may wait for
extern Dice dice;
extern bool shuffled;  // the order of threads is random
extern int lateness;   // of 8 pieces of asynchronous work, so many wait for the last moment
extern Meeting blockMeeting, named[16];
extern bool quiet;     // faults are not printed
extern unsigned char dynamicShared[];  // 1024-byte aligned
extern unsigned dynamicBytes;
extern unsigned char* staticShared;  // all thread-local variables
extern size_t staticBytes;
extern unsigned blockEpoch;  // grows with each __syncthreads and each block
// Of the accesses to shared memory, when compiled with RACES=1; `observing` is null for kernels that it cannot judge.
typedef void Observer(const void* p, unsigned bytes, bool writes, bool atomic, void* where);
extern Observer *observer, *observing;
inline void observe(const void* p, unsigned bytes, bool writes, bool atomic = false) {
  if (observing) observing(p, bytes, writes, atomic, __builtin_return_address(0));
}
// Does pending asynchronous work, for primitives whose work has no thread of its own; false when there is none left.
extern bool (*tick)();
// Called before each block.
extern void (*forget[2])();

// Reports a fault of the running thread and ends the block; does not return.
void fault(const char* format, ...) __attribute__((format(printf, 1, 2)));
// The running thread stays ready, others run.
void yield();
// The running thread waits until somebody sets its bit in Warp::ready.
void sleep(const char* where, long which = 0);
void wake(Meeting& m);

inline void meet(Meeting& m, int count, bool wait = true, const char* where = "a named barrier") {
  if (++m.waiting >= count) {
    wake(m);
    if (shuffled && dice() % 4 == 0) yield();
  } else if (wait) {
    m.asleep[current / 32] |= 1u << current % 32;
    sleep(where);
  }
}

// All lanes of `mask` that still live meet; the last one calls `finish`, then all go on.
void collective(const char* name, uint32_t mask, void (*finish)(Warp&, uint32_t));

// An address in shared memory, as 32-bit numbers that kernels compute with.
uint32_t shared_address(const void* p);
// Back again; faults when [address, address + bytes) is not the block's shared memory.
unsigned char* shared_at(uint32_t address, unsigned bytes);

// Runs `call(argument)` in every thread of every block; 0, or not when something was wrong.
int run_grid(const char* name, dim3 grid, dim3 block, unsigned sharedBytes, void (*call)(void*), void* argument);

}  // namespace emulated

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
