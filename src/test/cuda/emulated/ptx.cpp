// Asynchronous copies, each at a random time between its issue and the wait for it, and the tensor-core product.
#include "builtins.h"
#include <algorithm>
#include <vector>

namespace ptx {

struct Copy {
  unsigned char* to;
  const void* from;
  unsigned bytes;
};

struct Pending {
  std::vector<Copy> copies;
  std::vector<unsigned> ends;  // of the groups, as positions in copies
};
static Pending pending[emulated::MAX_THREADS];

static void forget_copies() {
  for (int i = 0; i < emulated::numThreads; i++) pending[i].copies.clear(), pending[i].ends.clear();
}
static const bool registered = (emulated::forget[0] = forget_copies);

static void arrive(const Copy& c) {
  emulated::observe(c.to, 16, true);
  if (c.bytes) memcpy(c.to, c.from, c.bytes);
  if (c.bytes < 16) memset(c.to + c.bytes, 0, 16 - c.bytes);
}

void copy(uint32_t to, const void* from, unsigned bytes) {
  if (to % 16 || (bytes && (uintptr_t)from % 16)) emulated::fault("cp.async from %p to %u", from, to);
  Copy c = {emulated::shared_at(to, 16), from, bytes};
  emulated::observe(c.to, 16, true);
  memset(c.to, 0xff, 16);  // nobody may read it from here on
  if ((int)(emulated::lateness == 8 ? 0 : emulated::dice() % 8) < emulated::lateness) pending[emulated::current].copies.push_back(c);
  else arrive(c);
}

void copy_commit() {
  Pending& p = pending[emulated::current];
  p.ends.push_back((unsigned)p.copies.size());
}

void copy_wait(unsigned allowed) {
  Pending& p = pending[emulated::current];
  if (p.ends.size() <= allowed) return;
  const size_t groups = p.ends.size() - allowed;
  const unsigned end = p.ends[groups - 1];
  for (unsigned i = 0; i < end; i++) arrive(p.copies[i]);
  p.copies.erase(p.copies.begin(), p.copies.begin() + end);
  p.ends.erase(p.ends.begin(), p.ends.begin() + groups);
  for (unsigned& e : p.ends) e -= end;
}

static inline float low(uint32_t pair) { return __uint_as_float(pair << 16); }
static inline float high(uint32_t pair) { return __uint_as_float(pair & 0xffff0000u); }

typedef float Eight __attribute__((vector_size(32)));

void multiply(emulated::Warp& w, uint32_t active) {
  if (active != ~0u) return emulated::fault("mma by mask %08x", active);
  float a[16][16];
  alignas(32) float b[16][8], c[16][8];
  const Product* products[32];
  for (int l = 0; l < 32; l++) {
    const Product& p = *(products[l] = (const Product*)w.arguments[l]);
    const int g = l / 4, q = l % 4 * 2;
    for (int i = 0; i < 4; i++) {
      a[g + i % 2 * 8][q + i / 2 * 8] = low(p.a[i]);
      a[g + i % 2 * 8][q + i / 2 * 8 + 1] = high(p.a[i]);
    }
    for (int i = 0; i < 2; i++) {
      b[q + i * 8][g] = low(p.b[i]);
      b[q + i * 8 + 1][g] = high(p.b[i]);
    }
  }
  for (int m = 0; m < 16; m += 4) {
    Eight sums[4] = {};
    for (int k = 0; k < 16; k++) {
      const Eight row = *(const Eight*)b[k];
      for (int i = 0; i < 4; i++) sums[i] += a[m + i][k] * row;
    }
    for (int i = 0; i < 4; i++) *(Eight*)c[m + i] = sums[i];
  }
  for (int l = 0; l < 32; l++) {
    const int g = l / 4, q = l % 4 * 2;
    for (int i = 0; i < 4; i++) products[l]->c[i] += c[g + i / 2 * 8][q + i % 2];
  }
}

}  // namespace ptx
