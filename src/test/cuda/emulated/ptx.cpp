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

struct Bf16 {
  static float low(uint32_t pair) { return __uint_as_float(pair << 16); }
  static float high(uint32_t pair) { return __uint_as_float(pair & 0xffff0000u); }
};

struct F16 {
  static float low(uint32_t pair) {
    const int exponent = pair >> 10 & 31, fraction = pair & 1023;
    const float x = exponent == 31 ? (fraction ? NAN : INFINITY) : exponent ? ldexpf(1024 + fraction, exponent - 25) : ldexpf(fraction, -24);
    return pair >> 15 & 1 ? -x : x;
  }
  static float high(uint32_t pair) { return low(pair >> 16); }
};

// What a code stands for, by its formula; 0x7f: NaN.
static double value_of_e4m3(int code) {
  const int exponent = code >> 3 & 15, fraction = code & 7;
  return exponent ? ldexp(8 + fraction, exponent - 10) : ldexp(fraction, -9);
}

uint16_t half_of_e4m3(uint8_t code) {
  if ((code & 0x7f) == 0x7f) return 0x7fff;
  __half h = __double2half(value_of_e4m3(code & 0x7f));
  uint16_t bits;
  memcpy(&bits, &h, 2);
  return bits | (code & 0x80) << 8;
}

// The nearest code, found by search; the even one of two.
uint8_t e4m3_of(float x) {
  if (x != x) return 0x7f;
  const double size = fabs((double)x);
  int below = 0;
  while (below < 0x7e && value_of_e4m3(below + 1) <= size) below++;
  if (below < 0x7e) {
    const double down = size - value_of_e4m3(below), up = value_of_e4m3(below + 1) - size;
    if (up < down || (up == down && below % 2)) below++;
  }
  return below | (signbit(x) ? 0x80 : 0);
}

typedef float Eight __attribute__((vector_size(32)));

template <typename Type>
static void product(emulated::Warp& w, uint32_t active) {
  if (active != ~0u) return emulated::fault("mma by mask %08x", active);
  float a[16][16];
  alignas(32) float b[16][8], c[16][8];
  const Product* products[32];
  for (int l = 0; l < 32; l++) {
    const Product& p = *(products[l] = (const Product*)w.arguments[l]);
    const int g = l / 4, q = l % 4 * 2;
    for (int i = 0; i < 4; i++) {
      a[g + i % 2 * 8][q + i / 2 * 8] = Type::low(p.a[i]);
      a[g + i % 2 * 8][q + i / 2 * 8 + 1] = Type::high(p.a[i]);
    }
    for (int i = 0; i < 2; i++) {
      b[q + i * 8][g] = Type::low(p.b[i]);
      b[q + i * 8 + 1][g] = Type::high(p.b[i]);
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

void multiply(emulated::Warp& w, uint32_t active) { product<Bf16>(w, active); }
void multiply_f16(emulated::Warp& w, uint32_t active) { product<F16>(w, active); }

// 16 × 8 × 32: a register holds four neighbouring k, the second half of the registers the k from 16 on.
void multiply_s8(emulated::Warp& w, uint32_t active) {
  if (active != ~0u) return emulated::fault("mma by mask %08x", active);
  int8_t a[16][32], b[8][32];
  const ByteProduct* products[32];
  for (int l = 0; l < 32; l++) {
    const ByteProduct& p = *(products[l] = (const ByteProduct*)w.arguments[l]);
    const int g = l / 4, k = l % 4 * 4;
    for (int i = 0; i < 4; i++) memcpy(&a[g + i % 2 * 8][k + i / 2 * 16], &p.a[i], 4);
    for (int i = 0; i < 2; i++) memcpy(&b[g][k + i * 16], &p.b[i], 4);
  }
  for (int l = 0; l < 32; l++)
    for (int i = 0; i < 4; i++) {
      const int8_t *row = a[l / 4 + i / 2 * 8], *column = b[l % 4 * 2 + i % 2];
      int sum = 0;
      for (int k = 0; k < 32; k++) sum += row[k] * column[k];
      products[l]->c[i] += sum;
    }
}

}  // namespace ptx
