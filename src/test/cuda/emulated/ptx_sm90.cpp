// Barriers, tensor copies and warpgroup products, done as early or as late as the schedule says.
#include "builtins.h"
#include <deque>
#include <vector>

namespace ptx {

static bool arrive_one();
static const bool registered = (emulated::tick = arrive_one);

// Threads that wait for a barrier or a product sleep until any of them goes on, and look again.
static uint32_t asleep[emulated::MAX_WARPS];

static void sleep(const char* where) {
  asleep[emulated::current / 32] |= 1u << emulated::current % 32;
  emulated::sleep(where);
}

static void wake() {
  emulated::progress++;
  for (int w = 0; w < emulated::MAX_WARPS; w++) emulated::warps[w].ready |= asleep[w], asleep[w] = 0;
}

// ---- mbarriers
static Barrier& at(uint64_t* bar) {
  if ((uintptr_t)bar % 8) emulated::fault("a barrier at %p", (void*)bar);
  emulated::shared_address(bar);
  return *(Barrier*)bar;
}

static Barrier& live(uint64_t* bar) {
  Barrier& b = at(bar);
  if (b.valid != 1) emulated::fault("a barrier that was not set up");
  return b;
}

void Barrier::settle() {
  if (pending || bytes) return;
  phase ^= 1;
  pending = count;
  wake();
}

void barrier_init(uint64_t* bar, int arrivals) { at(bar) = {0, (uint8_t)arrivals, (uint8_t)arrivals, 0, 1}; }

void barrier_arrive(uint64_t* bar) {
  Barrier& b = live(bar);
  if (!b.pending) emulated::fault("one arrival too many at a barrier of %d", b.count);
  b.pending--;
  b.settle();
}

void barrier_expect(uint64_t* bar, int bytes) {
  live(bar).bytes += bytes;
  barrier_arrive(bar);
}

void barrier_wait(uint64_t* bar, uint32_t parity) {
  live(bar);
  while (*(volatile uint8_t*)&((Barrier*)bar)->phase == parity) sleep("an mbarrier");
}

// ---- tensor copies
struct Box {
  uint32_t to;
  emulated::TensorMap map;  // by value: the issuing thread may end first
  Barrier* bar;
  int at[4];
};
static std::vector<Box> boxes;

static uint32_t swizzled(uint32_t address) { return address ^ (address >> 7 & 7) << 4; }

static void arrive(const Box& c) {
  const auto& m = c.map;
  uint32_t to = c.to;
  for (uint32_t w = 0; w < m.box[3]; w++)
    for (uint32_t z = 0; z < m.box[2]; z++)
      for (uint32_t y = 0; y < m.box[1]; y++)
        for (uint32_t x = 0; x < m.box[0]; x++, to += 2) {
          const int64_t i[4] = {c.at[0] + (int64_t)x, c.at[1] + (int64_t)y, c.at[2] + (int64_t)z, c.at[3] + (int64_t)w};
          bool inside = true;
          int64_t offset = 0;
          for (int d = 0; d < 4; d++) inside &= i[d] >= 0 && i[d] < m.dims[d], offset += i[d] * (int64_t)m.strides[d];
          const uint16_t v = inside ? m.p[offset / 2] : 0;
          memcpy(emulated::shared_at(swizzled(to), 2), &v, 2);
        }
  c.bar->bytes -= to - c.to;
  c.bar->settle();
}

// A random one of those under way.
static bool arrive_one() {
  if (boxes.empty()) return false;
  const size_t i = emulated::shuffled ? emulated::dice() % boxes.size() : 0;
  const Box c = boxes[i];
  boxes.erase(boxes.begin() + i);
  arrive(c);
  return true;
}

void copy_box(uint32_t to, const CUtensorMap* map, uint64_t* bar, int rank, int x, int y, int z, int w) {
  Box c = {to, {}, &live(bar), {x, y, z, w}};
  memcpy((void*)&c.map, map, sizeof c.map);
  if ((int)c.map.rank != rank || to % 128) emulated::fault("a tensor copy of rank %d to %u", rank, to);
  boxes.push_back(c);
  while (!boxes.empty() && (int)(emulated::lateness == 8 ? 0 : emulated::dice() % 8) >= emulated::lateness) arrive_one();
}

// ---- warpgroup products
struct GroupProduct {
  int issued = 0, n = 0;
  bool add = true, registers = false, done = false;
  uint64_t a = 0, b = 0;
  float* d[128];
  uint32_t p[128][4];
};
struct Warpgroup {
  std::deque<GroupProduct> products;  // those before `first` are gone
  unsigned first = 0;
};
struct Issued {
  unsigned products = 0;
  std::vector<unsigned> ends;  // of the groups
};
static Warpgroup warpgroups[emulated::MAX_THREADS / 128];
static Issued issued[emulated::MAX_THREADS];

void forget_sm90() {
  boxes.clear();
  memset(asleep, 0, sizeof asleep);
  for (auto& w : warpgroups) w = Warpgroup();
  for (auto& i : issued) i = Issued();
}

static float element(uint32_t address) {
  uint16_t v;
  memcpy(&v, emulated::shared_at(swizzled(address), 2), 2);
  return __uint_as_float((uint32_t)v << 16);
}

static void execute(GroupProduct& x) {
  static float a[64][16], b[16][256];
  auto field = [](uint64_t d, int at) { return (uint32_t)(d >> at & 0x3fff) << 4; };
  if (x.b >> 62 != 1 || (!x.registers && x.a >> 62 != 1)) emulated::fault("a product without the 128-byte swizzle");
  for (int r = 0; r < 64; r++)
    for (int k = 0; k < 16; k++)
      a[r][k] = x.registers ? __uint_as_float(x.p[r / 16 * 32 + r % 8 * 4 + k % 8 / 2][r % 16 / 8 + k / 8 * 2] >> k % 2 * 16 << 16)
                            : element(field(x.a, 0) + r / 8 * field(x.a, 32) + r % 8 * 128 + k * 2);
  for (int k = 0; k < 16; k++)
    for (int n = 0; n < x.n; n++)
      b[k][n] = x.registers ? element(field(x.b, 0) + n / 64 * field(x.b, 16) + k / 8 * field(x.b, 32) + k % 8 * 128 + n % 64 * 2)
                            : element(field(x.b, 0) + n / 8 * field(x.b, 32) + n % 8 * 128 + k * 2);
  for (int r = 0; r < 64; r++) {
    float c[256] = {};
    for (int k = 0; k < 16; k++)
      for (int n = 0; n < x.n; n++) c[n] += a[r][k] * b[k][n];
    for (int n = 0; n < x.n; n++) {
      float& d = x.d[r / 16 * 32 + r % 8 * 4 + n % 8 / 2][n / 8 * 4 + r % 16 / 8 * 2 + n % 2];
      d = x.add ? d + c[n] : c[n];
    }
  }
  x.done = true;
}

void mma_issue(float* d, int n, const uint32_t* registers, uint64_t a, uint64_t b, bool add) {
  const int thread = emulated::current % 128;
  Warpgroup& w = warpgroups[emulated::current / 128];
  const unsigned i = issued[emulated::current].products++ - w.first;
  if (i == w.products.size()) w.products.emplace_back();
  GroupProduct& x = w.products[i];
  if (x.issued && (x.n != n || x.b != b || x.registers != !!registers || (!registers && x.a != a)))
    emulated::fault("threads of a warpgroup issue different products");
  x.n = n, x.registers = registers, x.a = a, x.b = b, x.add = add;
  x.d[thread] = d;
  if (registers) memcpy(x.p[thread], registers, 16);
  if (++x.issued < 128) return;
  wake();
  if (emulated::lateness == 8 || (int)(emulated::dice() % 8) < emulated::lateness) return;
  for (auto& earlier : w.products) {
    if (!earlier.done && earlier.issued == 128) execute(earlier);
    if (&earlier == &x) break;
  }
}

void mma_commit() { issued[emulated::current].ends.push_back(issued[emulated::current].products); }

void mma_wait(unsigned pending) {
  const auto& ends = issued[emulated::current].ends;
  if (ends.size() <= pending) return;
  const unsigned end = ends[ends.size() - 1 - pending];
  Warpgroup& w = warpgroups[emulated::current / 128];
  while ((int)(w.first - end) < 0) {
    GroupProduct& x = w.products.front();
    if (x.done || x.issued == 128) {
      if (!x.done) execute(x);
      w.products.pop_front();
      w.first++;
    } else {
      sleep("a product that others have not issued");
    }
  }
}

}  // namespace ptx
