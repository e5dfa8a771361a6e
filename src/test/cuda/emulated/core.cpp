// The scheduler of the emulator. QUIRE_EMULATED_SEED: 0 (default) runs threads in order and does asynchronous work as late
// as it may be; every other number is another random schedule, the same each time.
#include "core.h"
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <algorithm>
#include <mutex>
#include <vector>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)
#define ASAN_UNPOISON_MEMORY_REGION(p, n)
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emulated {

Fiber fibers[MAX_THREADS];
Warp warps[MAX_WARPS];
int current, numThreads, numLive;
long progress;
Dice dice;
bool shuffled;
int lateness = 8;
bool quiet;
Meeting blockMeeting, named[16];
alignas(1024) unsigned char dynamicShared[SHARED_BYTES];
unsigned dynamicBytes;
bool (*tick)() = nullptr;
void (*forget[2])() = {};

extern "C" void emulated_switch(void** from, void* to);
asm(R"(.text
.globl emulated_switch
.hidden emulated_switch
emulated_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
)");

// Stacks lie an odd number of cache lines apart, so that equal frames do not fall into the same cache sets.
constexpr size_t STACK = 128 << 10, STACK_STEP = STACK + 17 * 64;
constexpr uint64_t CANARY = 0x5afe57ac5afe57acull;
static void* host;  // the host thread's stack pointer while fibers run
static std::vector<void*> freeStacks;
static uint3 indices[MAX_THREADS];
static void (*entry)(void*);
static void* entryArgument;
static const char* kernelName;
static bool faulted;
static long seen, idle;
static unsigned long launches;
// The thread-local variables of this program or library: the kernels' static shared memory.
static thread_local char anchor;
unsigned char* staticShared;
size_t staticBytes;
unsigned blockEpoch;
Observer *observer, *observing;
constexpr uint32_t STATIC_ADDRESS = 1 << 24;

static void find_static_shared() {
  static size_t before = 0;  // bytes of the block before the anchor, the same in every host thread
  if (staticBytes) {
    staticShared = (unsigned char*)&anchor - before;
    return;
  }
  anchor = 1;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void*) {
        bool mine = false;
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const auto& h = info->dlpi_phdr[i];
          uintptr_t start = info->dlpi_addr + h.p_vaddr, here = (uintptr_t)&find_static_shared;
          mine |= h.p_type == PT_LOAD && here >= start && here < start + h.p_memsz;
        }
        if (!mine) return 0;
        for (int i = 0; i < info->dlpi_phnum; i++) {
          if (info->dlpi_phdr[i].p_type != PT_TLS) continue;
          staticShared = (unsigned char*)info->dlpi_tls_data;
          staticBytes = info->dlpi_phdr[i].p_memsz;
        }
        return 1;
      },
      nullptr);
  before = (unsigned char*)&anchor - staticShared;
}

static void* new_stack() {
  if (freeStacks.empty()) {
    constexpr int COUNT = 64;
    char* p = (char*)mmap(nullptr, COUNT * STACK_STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) fprintf(stderr, "emulator: no memory for stacks\n"), abort();
    for (int i = COUNT - 1; i >= 0; i--) freeStacks.push_back(p + i * STACK_STEP), *(uint64_t*)(p + i * STACK_STEP) = CANARY;
  }
  void* p = freeStacks.back();
  freeStacks.pop_back();
  return p;
}

static void free_stack(void* p) {
  if (*(uint64_t*)p != CANARY) fprintf(stderr, "emulator: a thread of %s needs a larger stack\n", kernelName), abort();
  freeStacks.push_back(p);
}

static void end_block() {
  void* unused;
  emulated_switch(&unused, host);
}

void fault(const char* format, ...) {
  faulted = true;
  if (quiet) end_block();
  fprintf(stderr, "FAULT in %s, block (%u, %u, %u), thread %d: ", kernelName, blockIdx.x, blockIdx.y, blockIdx.z, current);
  va_list list;
  va_start(list, format);
  vfprintf(stderr, format, list);
  va_end(list);
  fputc('\n', stderr);
  end_block();
}

static void report_hang() {
  faulted = true;
  if (quiet) end_block();
  fprintf(stderr, "FAULT in %s, block (%u, %u, %u): its threads wait in vain\n", kernelName, blockIdx.x, blockIdx.y, blockIdx.z);
  for (int i = 0; i < numThreads; i++) {
    auto waits = [&](int j) { return fibers[j].done ? "(ended)" : fibers[j].where; };
    int last = i;
    while (last + 1 < numThreads && !strcmp(waits(i), waits(last + 1)) && fibers[i].which == fibers[last + 1].which) last++;
    fprintf(stderr, "  threads %d to %d: %s", i, last, waits(i));
    fprintf(stderr, fibers[i].which && !fibers[i].done ? " at %ld\n" : "\n", fibers[i].which);
    i = last;
  }
  end_block();
}

// The next thread to run: mostly of the same warp; `away`: of another one if there is any.
static int choose(bool away = false) {
  for (;;) {
    int w = current / 32, count = (numThreads + 31) / 32;
    uint32_t m = away ? 0 : warps[w].ready;
    int turn = (away ? dice() : current + 1) & 31;
    if (shuffled) {
      uint32_t r = dice();
      if (r % 8 == 0) turn = r >> 3 & 31;
      if (r % 64 < 3) m = 0, w = (r >> 8) % count;
    }
    for (int i = 0; !m && i <= count; i++) m = warps[w = w + 1 < count ? w + 1 : 0].ready;
    if (m) {
      uint32_t rotated = turn ? m >> turn | m << (32 - turn) : m;
      return w * 32 + ((__builtin_ctz(rotated) + turn) & 31);
    }
    if (!tick || !tick()) report_hang();
  }
}

static void set_current(int next) {
  current = next;
  threadIdx = indices[next];
}

static void fiber_main();

static void prepare(Fiber& f) {
  f.stack = new_stack();
  ASAN_UNPOISON_MEMORY_REGION((char*)f.stack + 8, STACK - 8);
  void** top = (void**)((char*)f.stack + STACK) - 3;  // as a call leaves it: 8 bytes below a multiple of 16
  *top = nullptr;
  *--top = (void*)fiber_main;
  for (int r = 0; r < 6; r++) *--top = nullptr;
  f.at = top;
}

static void go(int next) {
  void** from = &fibers[current].at;
  Fiber& f = fibers[next];
  if (!f.at) prepare(f);
  set_current(next);
  emulated_switch(from, f.at);
}

void sleep(const char* where, long which) {
  fibers[current].where = where;
  fibers[current].which = which;
  warps[current / 32].ready &= ~(1u << current % 32);
  int next = choose();
  if (next != current) go(next);
  fibers[current].where = "running";
}

void yield() {
  if (progress != seen) seen = progress, idle = 0;
  if (++idle % (4 * numThreads) == 0 && tick && tick()) seen = -1;
  if (idle > 1000L * numThreads) report_hang();
  fibers[current].where = "a loop";
  int next = choose(true);
  if (next != current) go(next);
}

void wake(Meeting& m) {
  m.waiting = 0;
  m.generation++;
  progress++;
  if (&m == &blockMeeting) blockEpoch++;
  else observing = nullptr;
  for (int w = 0; w * 32 < numThreads; w++) {
    warps[w].ready |= m.asleep[w];
    m.asleep[w] = 0;
  }
}

static void complete(Warp& w, Group& g) {
  uint32_t active = g.mask & w.live;
  for (uint32_t m = active; m; m &= m - 1) w.active[__builtin_ctz(m)] = active;
  g.arrived = 0;
  if (g.finish) g.finish(w, active);
  else w.epoch++;
  w.ready |= active;
  progress++;
}

void collective(const char* name, uint32_t mask, void (*finish)(Warp&, uint32_t)) {
  Warp& w = warps[current / 32];
  const int lane = current % 32;
  if (!(mask >> lane & 1)) fault("%s with mask %08x, which does not name its own lane", name, mask);
  Group* g = nullptr;
  for (Group& c : w.groups) {
    if (c.arrived && c.mask == mask) {
      g = &c;
      break;
    }
    if (!c.arrived && !g) g = &c;
  }
  if (!g) fault("%s: too many different masks", name);
  if (g->arrived && g->name != name && strcmp(g->name, name)) fault("%s, but other lanes of its warp are in %s", name, g->name);
  g->mask = mask;
  g->name = name;
  g->finish = finish;
  g->arrived |= 1u << lane;
  if (g->arrived == (mask & w.live)) complete(w, *g);
  else sleep(name);
}

static void leave() {
  Fiber& f = fibers[current];
  Warp& w = warps[current / 32];
  f.done = true;
  w.ready &= ~(1u << current % 32);
  w.live &= ~(1u << current % 32);
  numLive--;
  progress++;
  for (Group& g : w.groups)
    if (g.arrived && g.arrived == (g.mask & w.live)) complete(w, g);
  if (blockMeeting.waiting && blockMeeting.waiting >= numLive) wake(blockMeeting);
}

// A stack that threads use one after another until one of them has to wait.
static void fiber_main() {
  for (;;) {
    entry(entryArgument);
    void* stack = fibers[current].stack;
    leave();
    if (!numLive) {
      free_stack(stack);
      end_block();
    }
    int next = choose();
    if (!fibers[next].at) {
      set_current(next);
      fibers[next].stack = stack;
      fibers[next].at = stack;  // any value: set when it first waits
      continue;
    }
    free_stack(stack);
    void* unused;
    set_current(next);
    emulated_switch(&unused, fibers[next].at);
  }
}

uint32_t shared_address(const void* p) {
  const unsigned char* c = (const unsigned char*)p;
  if (c >= staticShared && c < staticShared + staticBytes) return STATIC_ADDRESS + (uint32_t)(c - staticShared);
  if (c < dynamicShared || c > dynamicShared + dynamicBytes) fault("the address of something outside shared memory");
  return (uint32_t)(c - dynamicShared);
}

unsigned char* shared_at(uint32_t address, unsigned bytes) {
  if (address >= STATIC_ADDRESS && address - STATIC_ADDRESS + bytes <= staticBytes) return staticShared + (address - STATIC_ADDRESS);
  if (address > dynamicBytes || bytes > dynamicBytes - address) fault("%u bytes at %u of %u bytes of shared memory", bytes, address, dynamicBytes);
  return dynamicShared + address;
}

static void run_block() {
  memset(staticShared, 0xff, staticBytes);
  memset(dynamicShared, 0xff, dynamicBytes);
  blockMeeting = Meeting();
  for (auto& m : named) m = Meeting();
  for (int w = 0; w * 32 < numThreads; w++) {
    int lanes = std::min(32, numThreads - w * 32);
    warps[w].ready = warps[w].live = lanes == 32 ? ~0u : (1u << lanes) - 1;
    for (Group& g : warps[w].groups) g = Group();
  }
  for (int i = 0; i < numThreads; i++) fibers[i] = Fiber();
  numLive = numThreads;
  blockEpoch++;
  observing = observer;
  seen = -1, idle = 0;
  if (shuffled) lateness = (int[]){0, 8, 4, 7}[dice() % 4];
  for (auto f : forget)
    if (f) f();
  const int first = shuffled ? dice() % numThreads : 0;
  prepare(fibers[first]);
  set_current(first);
  emulated_switch(&host, fibers[first].at);  // after a fault the stacks of the other threads are given up
}

int run_grid(const char* name, dim3 grid, dim3 block, unsigned sharedBytes, void (*call)(void*), void* argument) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  static const unsigned long seed = getenv("QUIRE_EMULATED_SEED") ? strtoul(getenv("QUIRE_EMULATED_SEED"), nullptr, 10) : 0;
  const long threads = (long)block.x * block.y * block.z, blocks = (long)grid.x * grid.y * grid.z;
  if (threads < 1 || threads > MAX_THREADS || sharedBytes > SHARED_BYTES || blocks < 1 || grid.y > 65535 || grid.z > 65535) {
    if (!quiet) fprintf(stderr, "FAULT: %s cannot run with grid (%u, %u, %u), block (%u, %u, %u), %u bytes of shared memory\n", name, grid.x,
            grid.y, grid.z, block.x, block.y, block.z, sharedBytes);
    return 1;
  }
  find_static_shared();
  shuffled = seed != 0;
  dice.state = 0x9e3779b97f4a7c15ull * (seed + 1) + 0x632be59bd9b4e019ull * ++launches | 1;
  kernelName = name;
  entry = call;
  entryArgument = argument;
  faulted = false;
  numThreads = (int)threads;
  blockDim = block;
  gridDim = grid;
  for (unsigned i = 0; i < threads; i++) indices[i] = {i % block.x, i / block.x % block.y, i / block.x / block.y};
  dynamicBytes = sharedBytes;
  ASAN_UNPOISON_MEMORY_REGION(dynamicShared, SHARED_BYTES);
  ASAN_POISON_MEMORY_REGION(dynamicShared + dynamicBytes, SHARED_BYTES - dynamicBytes);
  // A random order of blocks: a stride without a common divisor.
  long step = 1, at = 0;
  if (shuffled) {
    at = dice() % blocks;
    for (step = 1 + dice() % blocks; std::__gcd(step, blocks) != 1;) step = step % blocks + 1;
  }
  for (long i = 0; i < blocks && !faulted; i++, at = (at + step) % blocks) {
    blockIdx = {(unsigned)(at % grid.x), (unsigned)(at / grid.x % grid.y), (unsigned)(at / grid.x / grid.y)};
    run_block();
  }
  return faulted;
}

}  // namespace emulated
