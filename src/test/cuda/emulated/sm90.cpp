// Tensor copies and warpgroup products with shared-memory operands in the 128-byte swizzle.
#include "sm90.h"
#include <deque>
#include <vector>

namespace emulated {

// ---- mbarriers
struct Waiter {
  int thread;
  const Barrier* barrier;
};
static std::vector<Waiter> waiters;

static void advance();

void settle(Barrier* b) {
  progress++;
  if (b->pending || b->bytes) return;
  b->phase ^= 1;
  b->pending = b->count;
  for (size_t i = 0; i < waiters.size();) {
    if (waiters[i].barrier == b) {
      warps[waiters[i].thread / 32].ready |= 1u << waiters[i].thread % 32;
      waiters[i] = waiters.back();
      waiters.pop_back();
    } else {
      i++;
    }
  }
}

void wait_phase(Barrier* b, uint32_t parity) {
  if (b->unused || b->phase > 1 || parity > 1) fault("a wait for an mbarrier that is none");
  advance();
  while (*(volatile uint8_t*)&b->phase == parity) {
    waiters.push_back({current, b});
    sleep(parity ? "an mbarrier's odd phase" : "an mbarrier's even phase", (long)shared_address(b));
  }
}

// ---- tensor copies
struct Copy {
  uint32_t to;
  Map map;  // a copy: the kernel's parameter ends with its thread
  Barrier* barrier;
  int at[4], delay, bytes;
};
static std::vector<Copy> copies;

int encode_tensor_map(CUtensorMap* map, CUtensorMapDataType type, unsigned rank, void* p, const cuuint64_t* dims, const cuuint64_t* strides,
                      const cuuint32_t* box, const cuuint32_t* elementStrides, CUtensorMapInterleave interleave,
                      CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill) {
  if (type != CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 || swizzle != CU_TENSOR_MAP_SWIZZLE_128B || interleave || fill || rank < 3 || rank > 4 ||
      (uintptr_t)p % 16 || (uintptr_t)map % 64 || box[0] * 2 > 128)
    return CUDA_ERROR_INVALID_VALUE;
  Map m = {p, (int)rank, {1, 1, 1, 1}, {2, 0, 0, 0}, {1, 1, 1, 1}};
  for (unsigned i = 0; i < rank; i++) {
    if (elementStrides[i] != 1 || box[i] < 1 || box[i] > 256 || dims[i] < 1 || (i && strides[i - 1] % 16)) return CUDA_ERROR_INVALID_VALUE;
    m.dims[i] = (long)dims[i];
    m.box[i] = (int)box[i];
    if (i) m.strides[i] = (long)strides[i - 1];
  }
  static_assert(sizeof(Map) <= sizeof(CUtensorMap), "");
  memset((void*)map, 0, sizeof(CUtensorMap));
  memcpy((void*)map, &m, sizeof m);
  return CUDA_SUCCESS;
}

static void finish(const Copy& c) {
  const Map& m = c.map;
  int i[4], bytes = 0;
  for (i[3] = 0; i[3] < m.box[3]; i[3]++)
    for (i[2] = 0; i[2] < m.box[2]; i[2]++)
      for (i[1] = 0; i[1] < m.box[1]; i[1]++) {
        long offset = c.at[0] * 2L, inside = 0;
        bool rows = true;
        for (int d = 1; d < 4; d++) {
          rows &= c.at[d] + i[d] >= 0 && c.at[d] + i[d] < m.dims[d];
          offset += (c.at[d] + i[d]) * m.strides[d];
        }
        for (i[0] = 0; i[0] < m.box[0]; i[0]++, bytes += 2) {
          uint32_t to = c.to + bytes;
          to ^= (to >> 7 & 7) << 4;
          inside = rows && c.at[0] + i[0] >= 0 && c.at[0] + i[0] < m.dims[0];
          uint16_t v = 0;
          if (inside) memcpy(&v, (const char*)m.p + offset + i[0] * 2, 2);
          memcpy(dynamicShared + to, &v, 2);
        }
      }
  c.barrier->bytes -= bytes;
  settle(c.barrier);
}

static void finish(size_t i) {
  const Copy c = copies[i];
  copies[i] = copies.back();
  copies.pop_back();
  finish(c);
}

// Time passes.
static void advance() {
  for (size_t i = 0; i < copies.size();)
    if (copies[i].delay-- <= 0) finish(i);
    else i++;
}

// Nobody can go on: some copy ends.
static bool end_one() {
  if (copies.empty()) return false;
  finish(shuffled ? dice() % copies.size() : copies.size() - 1);
  return true;
}

void copy_tensor(uint32_t to, const CUtensorMap* map, Barrier* b, int rank, int x, int y, int z, int w) {
  Map m;
  memcpy(&m, (const void*)map, sizeof m);
  if (m.rank != rank) fault("a copy of %d dimensions by a map of %d", rank, m.rank);
  const int bytes = 2 * m.box[0] * m.box[1] * m.box[2] * m.box[3];
  if (to % 128) fault("a tensor copy to %u", to);
  unsigned char* p = shared_at(to, bytes);
  if (bytes % 1024 == 0 && to % 1024 == 0) memset(p, 0xff, bytes);  // the swizzle stays inside
  const int delay = lateness == 8 ? 1 << 30 : lateness == 0 ? dice() % 2 : dice() % 200;
  copies.push_back({to, m, b, {x, y, z, w}, delay, bytes});
  advance();
}

// ---- warpgroup products
struct Product {
  int issued = 0, n = 0;
  bool add = true, registers = false, columns = false, done = false;
  uint64_t a = 0, b = 0;
  float* d[128];
  uint32_t p[128][4];
};
constexpr int MAX_GROUPS = MAX_THREADS / 128;
static std::deque<Product> products[MAX_GROUPS];
static unsigned removed[MAX_GROUPS];           // products that are done and gone from the front
static unsigned issued[MAX_THREADS];           // by each thread
static std::vector<unsigned> ends[MAX_THREADS];  // first product after each committed group

static float element(uint32_t address) {
  address ^= (address >> 7 & 7) << 4;
  uint16_t v;
  memcpy(&v, shared_at(address, 2), 2);
  return __uint_as_float((uint32_t)v << 16);
}

static void execute(Product& x) {
  static float a[64][16], b[16][256];
  const uint32_t startA = (x.a & 0x3fff) << 4, startB = (x.b & 0x3fff) << 4, strideA = (x.a >> 32 & 0x3fff) << 4;
  const uint32_t strideB = (x.b >> 32 & 0x3fff) << 4, leadB = (x.b >> 16 & 0x3fff) << 4;
  if (x.b >> 62 != 1 || (!x.registers && x.a >> 62 != 1)) return fault("a matrix descriptor with another swizzle");
  for (int r = 0; r < 64; r++)
    for (int k = 0; k < 16; k++)
      a[r][k] = x.registers ? __uint_as_float(x.p[r / 16 * 32 + r % 8 * 4 + k % 8 / 2][r % 16 / 8 + k / 8 * 2] >> k % 2 * 16 << 16)
                            : element(startA + r / 8 * strideA + r % 8 * 128 + k * 2);
  for (int k = 0; k < 16; k++)
    for (int n = 0; n < x.n; n++)
      b[k][n] = x.columns ? element(startB + n / 64 * leadB + k / 8 * strideB + k % 8 * 128 + n % 64 * 2)
                            : element(startB + n / 8 * strideB + n % 8 * 128 + k * 2);
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
  progress++;
}

// All up to `end` that every thread has issued, in order.
static void execute_until(int g, unsigned end) {
  auto& list = products[g];
  for (unsigned i = removed[g]; i < end && i - removed[g] < list.size() && list[i - removed[g]].issued == 128; i++)
    if (!list[i - removed[g]].done) execute(list[i - removed[g]]);
  while (!list.empty() && list.front().done) list.pop_front(), removed[g]++;
}

void issue_product(float* d, int n, const uint32_t* p, uint64_t a, uint64_t b, bool add, bool columns) {
  const int g = current / 128, t = current % 128;
  auto& list = products[g];
  const unsigned i = issued[current]++;
  while (i - removed[g] >= list.size()) list.emplace_back();
  Product& x = list[i - removed[g]];
  if (x.issued && (x.n != n || x.registers != (p != nullptr) || x.a != a || x.b != b || x.add != add || x.columns != columns))
    fault("a warpgroup product with other operands than its warpgroup's");
  x.n = n, x.columns = columns, x.registers = p != nullptr, x.a = a, x.b = b, x.add = add;
  x.d[t] = d;
  if (p) memcpy(x.p[t], p, 16);
  if (++x.issued == 128 && lateness < 8 && (int)(dice() % 8) >= lateness) execute_until(g, i + 1);
}

void commit_products() { ends[current].push_back(issued[current]); }

// Late: a product runs when a thread waits for it and the last of the 128 has issued it.
void wait_products(unsigned pending) {
  auto& mine = ends[current];
  advance();
  if (mine.size() <= pending) return;
  const unsigned end = mine[mine.size() - 1 - pending];
  const int g = current / 128;
  while (removed[g] < end) {
    execute_until(g, end);
    if (removed[g] < end) yield();
  }
  mine.erase(mine.begin(), mine.end() - pending);
}

static void forget_all() {
  waiters.clear();
  copies.clear();
  for (int g = 0; g < MAX_GROUPS; g++) products[g].clear(), removed[g] = 0;
  for (int i = 0; i < numThreads; i++) issued[i] = 0, ends[i].clear();
}
static const bool registered = (forget[1] = forget_all, tick = end_one, true);

}  // namespace emulated
