// Finds threads that touch the same bytes of shared memory, one of them writing, with no barrier between: the compiler's
// thread sanitizer calls these functions at every access, and barriers are what core.cpp counts. Kernels that order their
// threads by mbarriers or named barriers are not observed.
#include "core.h"
#include <dlfcn.h>

namespace emulated {

struct Access {
  unsigned block = 0, warp = 0;  // the epochs in which it was
  short thread = -1;
  bool atomic = false;
};
struct Shadow {
  Access write, reads[2];
};
static Shadow dynamicShadow[SHARED_BYTES], staticShadow[1 << 18];
static unsigned epochOfShadow;

// Whether a barrier lies between the access and the running thread.
static bool ordered(const Access& a) {
  if (a.thread < 0 || a.block != blockEpoch || a.thread == current) return true;
  return a.thread / 32 == current / 32 && a.warp != warps[current / 32].epoch;
}

static void observe_access(const void* pointer, unsigned bytes, bool writes, bool atomic, void* where) {
  const unsigned char* p = (const unsigned char*)pointer;
  if (numLive == 0 || observing == nullptr) return;
  Shadow* shadow;
  if (p >= dynamicShared && p < dynamicShared + dynamicBytes) shadow = dynamicShadow + (p - dynamicShared);
  else if (p >= staticShared && p + bytes <= staticShared + staticBytes && staticBytes <= sizeof staticShadow / sizeof *staticShadow) shadow = staticShadow + (p - staticShared);
  else return;
  const Access now = {blockEpoch, warps[current / 32].epoch, (short)current, atomic};
  for (unsigned i = 0; i < bytes; i++) {
    Shadow& s = shadow[i];
    const Access* other = nullptr;
    if (!ordered(s.write) && !(atomic && s.write.atomic)) other = &s.write;
    if (writes)
      for (const Access& r : s.reads)
        if (!ordered(r) && !(atomic && r.atomic)) other = &r;
    if (other) {
      Dl_info info = {};
      dladdr(where, &info);
      const bool dynamic = shadow >= dynamicShadow && shadow < dynamicShadow + SHARED_BYTES;
      observing = nullptr;
      fault("a race: %s shared memory at %ld (%s), which thread %d %s; no barrier between (addr2line: %#lx)", writes ? "writes" : "reads",
            (long)(dynamic ? p + i - dynamicShared : p + i - staticShared), dynamic ? "dynamic" : "static", other->thread,
            other == &s.write ? "wrote" : "read", (long)((char*)where - (char*)info.dli_fbase));
    }
    if (writes) {
      s.write = now;
    } else if (s.reads[0].thread != now.thread) {
      if (ordered(s.reads[1]) || s.reads[1].thread == now.thread) s.reads[1] = s.reads[0];
      s.reads[0] = now;
    } else {
      s.reads[0] = now;
    }
  }
}

static const bool registered = (observer = observe_access, true);

}  // namespace emulated

extern "C" {
#define ACCESS(n)                                                                                                            \
  void __tsan_read##n(void* p) { emulated::observe_access(p, n, false, false, __builtin_return_address(0)); }               \
  void __tsan_write##n(void* p) { emulated::observe_access(p, n, true, false, __builtin_return_address(0)); }               \
  void __tsan_unaligned_read##n(void* p) { emulated::observe_access(p, n, false, false, __builtin_return_address(0)); }     \
  void __tsan_unaligned_write##n(void* p) { emulated::observe_access(p, n, true, false, __builtin_return_address(0)); }
ACCESS(1) ACCESS(2) ACCESS(4) ACCESS(8) ACCESS(16)
void __tsan_read_range(void* p, unsigned long n) { emulated::observe_access(p, (unsigned)n, false, false, __builtin_return_address(0)); }
void __tsan_write_range(void* p, unsigned long n) { emulated::observe_access(p, (unsigned)n, true, false, __builtin_return_address(0)); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void*, void*) {}
void __tsan_vptr_read(void*) {}
// The tests' own atomics.
#define ATOMIC(bits, type)                                                                                                   \
  type __tsan_atomic##bits##_load(const volatile type* p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }             \
  void __tsan_atomic##bits##_store(volatile type* p, type v, int) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }             \
  type __tsan_atomic##bits##_fetch_add(volatile type* p, type v, int) { return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); } \
  type __tsan_atomic##bits##_exchange(volatile type* p, type v, int) { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); }
ATOMIC(8, unsigned char) ATOMIC(32, unsigned) ATOMIC(64, unsigned long)
}
