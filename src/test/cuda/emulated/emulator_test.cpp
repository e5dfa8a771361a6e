// What the emulator promises: operations as the CUDA and PTX manuals have them, and faults that are found.
#include <time.h>
#include "../check.cuh"
#include "../../../main/cuda/common.cuh"

static bool run(void (*kernel)(int*), int* p, int threads, unsigned shared = 0, int blocks = 1) {
  void* params[] = {&p};
  return emulated::launch("test", kernel, dim3(blocks), dim3(threads), shared, params) == 0;
}

static void expect_fault(const char* what, void (*kernel)(int*), int threads, unsigned shared = 0) {
  int out[1024];
  emulated::quiet = true;
  expect(!run(kernel, out, threads, shared), what, 0, 1);
  emulated::quiet = false;
}

static void expect_values(const char* what, void (*kernel)(int*), int threads, int (*want)(int), unsigned shared = 0) {
  int out[1024] = {};
  bool good = run(kernel, out, threads, shared);
  for (int i = 0; i < threads; i++) good = good && out[i] == want(i);
  expect(good, what, 0, 1);
}

// ---- operations
static void shuffles(int* out) {
  const int t = threadIdx.x, lane = t & 31;
  int v = __shfl_up_sync(FULL_WARP, t, 3) * 3 + __shfl_down_sync(FULL_WARP, t, 5, 8) * 5 + __shfl_xor_sync(FULL_WARP, t, 9) * 7;
  v += __shfl_sync(FULL_WARP, t, 35, 16) * 11;
  if (lane < 7) v += __shfl_sync(0x7fu, t, lane ^ 1 ? 6 - lane : 0);
  else v += __shfl_sync(~0x7fu, t, 31);
  out[t] = v;
}
static int shuffled(int t) {
  const int w = t & ~31, l = t & 31;
  int v = (l >= 3 ? t - 3 : t) * 3 + ((l & 7) + 5 < 8 ? t + 5 : t) * 5 + (w + (l ^ 9)) * 7 + (w + (l & 16) + 3) * 11;
  return v + (l < 7 ? w + (l ^ 1 ? 6 - l : 0) : w + 31);
}

static void votes(int* out) {
  const int t = threadIdx.x, lane = t & 31;
  unsigned v = __ballot_sync(FULL_WARP, lane % 3 == 0) + __any_sync(FULL_WARP, lane == 4) + 2 * __all_sync(FULL_WARP, lane < 31);
  v += __reduce_max_sync(FULL_WARP, lane - 40) + __reduce_min_sync(FULL_WARP, (unsigned)lane + 3) + __reduce_add_sync(FULL_WARP, 2u);
  out[t] = (int)(v ^ __match_any_sync(FULL_WARP, lane / 5));
}
static int voted(int t) {
  const int l = t & 31;
  unsigned v = 0, match = 0;
  for (int i = 0; i < 32; i += 3) v += 1u << i;
  for (int i = 0; i < 32; i++) match |= (unsigned)(i / 5 == l / 5) << i;
  return (int)((v + 1 - 9 + 3 + 64) ^ match);
}

static void counters(int* out) {
  __shared__ unsigned n;
  if (threadIdx.x == 0) n = 0;
  __syncthreads();
  const unsigned before = atomicInc(&n, 99);
  __syncthreads();
  out[threadIdx.x] = (int)(n * 1000 + (before < 100));
}

// Matrices through ldmatrix, once each way, and their product.
static void products(int* out) {
  DYNAMIC_SHARED(bf16, m);
  const int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32) m[i] = __float2bfloat16((float)((i * 7 + i / 16) % 9 - 4)), m[256 + i] = __float2bfloat16((float)(i * 5 % 7 - 3));
  __syncwarp();
  uint32_t a[4], b[4];
  ptx::ldmatrix4(a, ptx::shared_address(m + (lane & 15) * 16 + (lane >> 4) * 8));
  ptx::ldmatrix4_trans(b, ptx::shared_address(m + 256 + (lane & 15) * 16 + (lane >> 4) * 8));
  float c[4] = {1, 2, 3, 4};
  ptx::mma(c, a, b[0], b[1]);
  for (int i = 0; i < 4; i++) out[lane * 4 + i] = (int)c[i];
}

static void check_products() {
  int out[128];
  bool good = run(products, out, 32, 1024);
  for (int i = 0; i < 128; i++) {
    const int row = i / 16 + i % 4 / 2 * 8, column = i / 4 % 4 * 2 + i % 2;
    int sum = i % 4 + 1;
    for (int k = 0; k < 16; k++) sum += (((row * 16 + k) * 7 + row) % 9 - 4) * ((k * 16 + column) * 5 % 7 - 3);
    good = good && out[i] == sum;
  }
  expect(good, "ldmatrix and mma", 0, 1);
}

// a[row, k] = (row · 3 + k · 7) % 255 − 127, b[k, column] = (column · 11 + k · 5) % 251 − 125, four k a register.
static int byte_of_a(int row, int k) { return (row * 3 + k * 7) % 255 - 127; }
static int byte_of_b(int k, int column) { return (column * 11 + k * 5) % 251 - 125; }
static void byte_products(int* out) {
  const int lane = threadIdx.x, g = lane / 4, q = lane % 4;
  uint32_t a[4] = {}, b[2] = {};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) a[i] |= (uint32_t)(byte_of_a(g + i % 2 * 8, 4 * q + i / 2 * 16 + j) & 255) << 8 * j;
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 4; j++) b[i] |= (uint32_t)(byte_of_b(4 * q + i * 16 + j, g) & 255) << 8 * j;
  int c[4] = {1, 2, 3, 4};
  ptx::mma_s8(c, a, b[0], b[1]);
  for (int i = 0; i < 4; i++) out[lane * 4 + i] = c[i];
}

static void check_byte_products() {
  int out[128];
  bool good = run(byte_products, out, 32);
  for (int i = 0; i < 128; i++) {
    const int row = i / 16 + i % 4 / 2 * 8, column = i / 4 % 4 * 2 + i % 2;
    int sum = i % 4 + 1;
    for (int k = 0; k < 32; k++) sum += byte_of_a(row, k) * byte_of_b(k, column);
    good = good && out[i] == sum;
  }
  expect(good, "mma of bytes", 0, 1);
}

// ---- faults
static void different_operations(int*) {
  if (threadIdx.x & 1) __syncwarp();
  else __shfl_sync(FULL_WARP, 1, 0);
}
static void stranger_in_mask(int*) { __shfl_sync(0xffffu, 1, 0); }
static void waits_in_vain(int*) {
  if (threadIdx.x == 40) __syncwarp();
  else __syncthreads();
}
static void waits_for_nobody(int*) {
  if (threadIdx.x < 32) emulated::meet(emulated::named[1], 64);
}
static void reads_absent_lane(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xffffu, 1, 20);
}
static void copies_outside(int* out) { ptx::copy16(16 * threadIdx.x + 16, out); }
static void copies_unaligned(int* out) { ptx::copy16(16 * threadIdx.x, out + 1); }

// ---- mistakes that only show in values
alignas(16) static int source[4] = {1, 2, 3, 4};
template <bool WAIT>
static void copies(int* out) {
  DYNAMIC_SHARED(int, to);
  ptx::copy16(ptx::shared_address(to + 4 * threadIdx.x), source);
  ptx::copy_commit();
  if (WAIT) ptx::copy_wait<0>();
  else ptx::copy_wait<1>();
  out[threadIdx.x] = to[4 * threadIdx.x + 2];
}
static void uninitialized(int* out) {
  __shared__ int n;
  DYNAMIC_SHARED(int, m);
  if (threadIdx.x == 2000) n = 5;
  out[threadIdx.x] = n & m[threadIdx.x];
}

// Lanes pass values on without a barrier: in order they are right by chance.
template <int BARRIERS>
static void races(int* out) {
  __shared__ int values[64];
  const int t = threadIdx.x;
  values[t] = t;
  if (BARRIERS == 1) __syncwarp();
  if (BARRIERS == 2) __syncthreads();
  out[t] = values[BARRIERS == 2 ? 63 - t : t ^ 1];
}

static void many_shuffles(int* out) {
  float v = (float)threadIdx.x;
  for (int i = 0; i < 20000; i++) v += __shfl_xor_sync(FULL_WARP, v, 1);
  out[threadIdx.x] = (int)v;
}
static void many_products(int* out) {
  float c[4] = {};
  const uint32_t a[4] = {threadIdx.x, 0, 1, 2};
  for (int i = 0; i < 20000; i++) ptx::mma(c, a, 1, 2);
  out[threadIdx.x] = (int)c[0];
}

static void time_of(const char* what, void (*kernel)(int*)) {
  int out[128];
  const clock_t start = clock();
  run(kernel, out, 128);
  printf("%s: %.2f us a warp\n", what, (double)(clock() - start) / CLOCKS_PER_SEC * 1e6 / (4 * 20000));
}

int main(int argc, char** argv) {
  expect_values("shuffles", shuffles, 96, shuffled);
  expect_values("votes and reductions", votes, 64, voted);
  expect_values("atomics, barriers", counters, 300, [](int) { return 1; });
  check_products();
  check_byte_products();
  expect_values("asynchronous copy", copies<true>, 64, [](int) { return 3; }, 1024);
  expect_values("shared memory starts as garbage", uninitialized, 64, [](int) { return -1; }, 1024);
  if (!emulated::shuffled)
    expect_values("a copy without its wait", copies<false>, 64, [](int) { return -1; }, 1024);
  expect_fault("lanes in different operations", different_operations, 32);
  expect_fault("a mask without its own lane", stranger_in_mask, 32);
  expect_fault("a thread that misses the barrier", waits_in_vain, 64);
  expect_fault("a barrier that nobody completes", waits_for_nobody, 64);
  expect_fault("a shuffle from an absent lane", reads_absent_lane, 32);
  expect_fault("a copy outside shared memory", copies_outside, 32, 512);
  expect_fault("an unaligned copy", copies_unaligned, 32, 512);
  expect_fault("too many threads", uninitialized, 1025);
  expect_fault("too much shared memory", uninitialized, 32, 228 << 10);
  expect_values("values by __syncwarp", races<1>, 64, [](int i) { return i ^ 1; });
  expect_values("values by __syncthreads", races<2>, 64, [](int i) { return 63 - i; });
  if (emulated::observer) expect_fault("a race", races<0>, 64);
  if (argc > 1 && !strcmp(argv[1], "bench")) {
    time_of("shuffle", many_shuffles);
    time_of("mma", many_products);
  }
  return summary();
}
