// Prefill attention on Hopper against a reference in double; every unused cache slot and block table gap is poisoned.
// `small` for the sanitizers, `some` for the emulator, `bench` for times; -DSM90_PREFILL_VARIANTS adds other tiles.
#include "check.cuh"
#include <unistd.h>
#include <atomic>
#include <thread>
#include "../../main/cuda/attention_sm90.cu"

typedef void (*Kernel)(bf16*, int, CUtensorMap, CUtensorMap, CUtensorMap, int, int, const int*, const int*, const int*,
                       const int*, const int2*, int, int, int, int, float, int, float, const float*, int*);

struct Variant {
  const char* name;
  Kernel kernel;
  int width, rows, threads, shared;
};

#define VARIANT(KERNEL, ...)                                                                             \
  Variant {                                                                                              \
    #KERNEL, KERNEL, sm90_attention::__VA_ARGS__::WIDTH, sm90_attention::__VA_ARGS__::BM,                    \
        sm90_attention::__VA_ARGS__::THREADS, sm90_attention::__VA_ARGS__::SHARED                        \
  }

static std::vector<Variant> variants = {
    VARIANT(sm90_prefill_bf16_d64, D64),
    VARIANT(sm90_prefill_bf16_d128, D128),
    VARIANT(sm90_prefill_bf16_d256, D256),
#ifdef SM90_PREFILL_VARIANTS
    VARIANT(v128_free, Config<128, 2, 128, 2, false>),
    VARIANT(v128_3st, Config<128, 2, 128, 3, true>),
    VARIANT(v128_lazy, Config<128, 2, 128, 2, true, true>),
    VARIANT(v128_freelazy, Config<128, 2, 128, 2, false, true>),
    VARIANT(v128_bm192, Config<128, 3, 64, 3, true>),
    VARIANT(v128_bm192free, Config<128, 3, 64, 3, false>),
    VARIANT(v80, Config<80, 2, 128, 2, true>),
    VARIANT(v96, Config<96, 2, 128, 2, true>),
    VARIANT(v64_bm128, Config<64, 2, 128, 3, true>),
    VARIANT(v64_free, Config<64, 3, 128, 3, false>),
    VARIANT(v64_lazy, Config<64, 3, 128, 3, true, true>),
    VARIANT(v64_192, Config<64, 2, 192, 3, true>),
    VARIANT(v256_lazy, Config<256, 2, 64, 2, false, true>),
#endif
};

static bool fits(const Variant& f, int D) {
  return f.width == D || ((D == 80 || D == 96) && f.width == 128 && strncmp(f.name, "sm90", 4) == 0);
}

static std::atomic<int> beats{0};

// A kernel that waits forever would hold the card: the program ends when nothing has moved for 20 seconds.
static void start_watchdog() {
  std::thread([] {
    for (int seen = -1, still = 0;; sleep(1)) {
      still = beats == seen ? still + 1 : 0;
      seen = beats;
      if (still >= 20) {
        printf("FAILED: hangs\n");
        fflush(stdout);
        _exit(3);
      }
    }
  }).detach();
}

typedef CUresult (*Encode)(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*, const cuuint64_t*,
                           const cuuint32_t*, const cuuint32_t*, CUtensorMapInterleave, CUtensorMapSwizzle,
                           CUtensorMapL2promotion, CUtensorMapFloatOOBfill);

// The map's own address is aligned, that of a returned copy need not be.
static void tensor_map(CUtensorMap& map, const void* p, std::vector<cuuint64_t> dims, std::vector<cuuint64_t> strides,
                       std::vector<cuuint32_t> box) {
  static Encode encode = nullptr;
  if (!encode) {
    cudaDriverEntryPointQueryResult found;
    CUDA(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", (void**)&encode, 12000, cudaEnableDefault, &found));
  }
  std::vector<cuuint32_t> ones(dims.size(), 1);
  CUresult r = encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, dims.size(), (void*)p, dims.data(), strides.data(), box.data(),
                      ones.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (r != CUDA_SUCCESS) {
    printf("FAILED tensor map: %d\n", (int)r);
    exit(2);
  }
}

struct Shape {
  int D, blockSize, kvHeads, group;
  int window = 0;
  float cap = 0;
  bool sinks = false;
  int heads() const { return kvHeads * group; }
};

// A batch on the device: packed projection, paged cache with shuffled blocks.
struct Batch {
  Shape a;
  std::vector<std::pair<int, int>> sequences;  // rows, context before them
  std::vector<int> cu{0}, lens, tableStart, tables;
  int numBlocks = 0, qStride, outStride;
  std::vector<bf16> q, k, v;
  std::vector<float> sinks;
  Dev<bf16>*dq, *dk, *dv, *dout;
  Dev<int>*dcu, *dlens, *dstart, *dtables, *dcounter;
  Dev<float>* dsinks;

  size_t slot(int block, int h, int offset) const { return (((size_t)block * a.kvHeads + h) * a.blockSize + offset) * a.D; }

  Batch(const Shape& a, const std::vector<std::pair<int, int>>& sequences) : a(a), sequences(sequences) {
    int used = 0;
    for (auto& s : sequences) used += (s.first + s.second + a.blockSize - 1) / a.blockSize;
    numBlocks = used + 3;
    std::vector<int> blocks(numBlocks);
    for (int i = 0; i < numBlocks; i++) blocks[i] = i;
    std::shuffle(blocks.begin(), blocks.end(), rng);
    int next = 0;
    for (auto& s : sequences) {
      cu.push_back(cu.back() + s.first);
      lens.push_back(s.first + s.second);
      tableStart.push_back((int)tables.size());
      for (int i = 0; i < (lens.back() + a.blockSize - 1) / a.blockSize; i++) tables.push_back(blocks[next++]);
      tables.push_back(0x7ffffff0);  // no entry
    }
    int T = cu.back();
    qStride = (a.heads() + 2 * a.kvHeads) * a.D;
    outStride = a.heads() * a.D + 8;
    auto noise = random_bf16(1 << 18, 1.f);
    q.resize((size_t)T * qStride);
    for (size_t i = 0; i < q.size(); i++) q[i] = noise[(i * 3 + i / 262144) & ((1 << 18) - 1)];
    bf16 nan;
    memset((void*)&nan, 0xff, 2);
    k.assign((size_t)numBlocks * a.kvHeads * a.blockSize * a.D, nan);
    v = k;
    size_t at = 0;
    for (size_t s = 0; s < sequences.size(); s++)
      for (int j = 0; j < lens[s]; j++)
        for (int h = 0; h < a.kvHeads; h++)
          for (int d = 0; d < a.D; d++) {
            size_t i = slot(tables[tableStart[s] + j / a.blockSize], h, j % a.blockSize) + d;
            at++;
            k[i] = noise[(at * 7 + at / 262144 * 3) & ((1 << 18) - 1)];
            v[i] = noise[(at * 5 + at / 262144) & ((1 << 18) - 1)];
          }
    sinks = random_f32(a.heads(), 2.f);
    dq = new Dev<bf16>(q);
    dk = new Dev<bf16>(k);
    dv = new Dev<bf16>(v);
    dout = new Dev<bf16>((size_t)(T + 2) * outStride);
    dcu = new Dev<int>(cu);
    dlens = new Dev<int>(lens);
    dstart = new Dev<int>(tableStart);
    dtables = new Dev<int>(tables);
    dcounter = new Dev<int>(std::vector<int>{0, 0});
    dsinks = new Dev<float>(sinks);
  }
  ~Batch() {
    delete dq, delete dk, delete dv, delete dout, delete dcu, delete dlens, delete dstart, delete dtables, delete dcounter;
    delete dsinks;
  }

  double flop() const {
    double keys = 0;
    for (auto& s : sequences)
      for (int r = 0; r < s.first; r++) {
        int n = s.second + r + 1;
        keys += a.window ? std::min(n, a.window) : n;
      }
    return 4. * a.heads() * a.D * keys;
  }
};

struct Launch {
  const Variant& f;
  const Batch& b;
  int headsPerTile, numItems, grid;
  CUtensorMap qMap, kMap, vMap;
  Dev<int2>* items;

  Launch(const Variant& f, const Batch& b, int headsPerTile) : f(f), b(b), headsPerTile(headsPerTile) {
    int tokens = f.rows / headsPerTile;
    std::vector<std::pair<int, int2>> list;
    for (size_t s = 0; s < b.sequences.size(); s++)
      for (int y = 0; y < b.sequences[s].first; y += tokens) {
        int keys = b.sequences[s].second + std::min(y + tokens, b.sequences[s].first);
        if (b.a.window) keys = std::min(keys, b.a.window + tokens);
        list.push_back({-keys, make_int2((int)s, y)});
      }
    std::stable_sort(list.begin(), list.end(), [](auto& x, auto& y) { return x.first < y.first; });
    std::vector<int2> v;
    for (auto& x : list) v.push_back(x.second);
    numItems = (int)v.size();
    items = new Dev<int2>(v);
    const Shape& a = b.a;
    cuuint64_t D = a.D, H = a.heads(), KV = a.kvHeads, BS = a.blockSize;
    tensor_map(qMap, b.dq->p, {D, H, (cuuint64_t)b.cu.back()}, {D * 2, (cuuint64_t)b.qStride * 2},
                      {64, (cuuint32_t)headsPerTile, (cuuint32_t)tokens});
    tensor_map(kMap, b.dk->p, {D, BS, KV, (cuuint64_t)b.numBlocks}, {D * 2, D * BS * 2, D * BS * KV * 2},
                      {64, (cuuint32_t)BS, 1, 1});
    tensor_map(vMap, b.dv->p, {D, BS, KV, (cuuint64_t)b.numBlocks}, {D * 2, D * BS * 2, D * BS * KV * 2},
                      {64, (cuuint32_t)BS, 1, 1});
    CUDA(cudaFuncSetAttribute((const void*)f.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, f.shared));
    int sms;
    CUDA(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
    grid = std::min(sms, numItems * a.heads() / headsPerTile);
  }
  ~Launch() { delete items; }

  void operator()(cudaStream_t s) const {
    const Shape& a = b.a;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(grid);
    config.blockDim = dim3(f.threads);
    config.dynamicSmemBytes = f.shared;
    config.stream = s;
    CUDA(cudaLaunchKernelEx(&config, f.kernel, (bf16*)b.dout->p, b.outStride, qMap, kMap, vMap, a.D, a.blockSize,
                            (const int*)b.dcu->p, (const int*)b.dlens->p, (const int*)b.dstart->p, (const int*)b.dtables->p,
                            (const int2*)items->p, numItems, a.heads(), a.kvHeads, headsPerTile, 1.f / sqrtf((float)a.D),
                            a.window, a.cap, a.sinks ? (const float*)b.dsinks->p : nullptr, b.dcounter->p));
  }
};

static bool checked(const Batch& b, int t, int h) {
  return (size_t)b.cu.back() * b.a.heads() < 3000 || (t + h) % std::max(1, b.a.heads() / 2) == 0;
}

// Rows of the output in double, only where `checked`.
static std::vector<double> reference(const Batch& b) {
  const Shape& a = b.a;
  std::vector<double> out((size_t)b.cu.back() * a.heads() * a.D);
  std::atomic<int> nextRow{0};
  std::vector<std::thread> threads;
  std::vector<float> kf(b.k.size()), vf(b.v.size());
  for (size_t i = 0; i < kf.size(); i++) kf[i] = __bfloat162float(b.k[i]), vf[i] = __bfloat162float(b.v[i]);
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); i++)
    threads.emplace_back([&] {
      std::vector<double> p, q(a.D), acc(a.D);
      for (int t; (t = nextRow++) < b.cu.back();) {
        beats++;
        int s = 0;
        while (b.cu[s + 1] <= t) s++;
        int position = b.lens[s] - b.cu[s + 1] + t, low = a.window ? std::max(0, position - a.window + 1) : 0;
        for (int h = 0; h < a.heads(); h++) {
          if (!checked(b, t, h)) continue;
          for (int d = 0; d < a.D; d++) q[d] = __bfloat162float(b.q[(size_t)t * b.qStride + h * a.D + d]);
          double top = -INFINITY, sum = 0;
          p.clear();
          for (int j = low; j <= position; j++) {
            const float* k = &kf[b.slot(b.tables[b.tableStart[s] + j / a.blockSize], h / a.group, j % a.blockSize)];
            double dot[4] = {0, 0, 0, 0};
            for (int d = 0; d < a.D; d += 4)
              for (int e = 0; e < 4; e++) dot[e] += q[d + e] * k[d + e];
            double x = (dot[0] + dot[1] + dot[2] + dot[3]) * (1.f / sqrtf((float)a.D));
            if (a.cap > 0) x = a.cap * tanh(x / a.cap);
            p.push_back(x);
            top = std::max(top, x);
          }
          std::fill(acc.begin(), acc.end(), 0);
          for (int j = low; j <= position; j++) {
            const float* v = &vf[b.slot(b.tables[b.tableStart[s] + j / a.blockSize], h / a.group, j % a.blockSize)];
            double e = exp(p[j - low] - top);
            sum += e;
            for (int d = 0; d < a.D; d++) acc[d] += e * v[d];
          }
          if (a.sinks) sum += exp(b.sinks[h] - top);
          for (int d = 0; d < a.D; d++) out[((size_t)t * a.heads() + h) * a.D + d] = acc[d] / sum;
        }
      }
    });
  for (auto& t : threads) t.join();
  return out;
}

static double worst = 0;

static void check(const Variant& f, const Batch& b, const std::vector<double>& want, int headsPerTile) {
  const Shape& a = b.a;
  char name[256];
  snprintf(name, sizeof name, "%s D %d block %d heads %d/%d, %d a tile, window %d cap %g sinks %d, %zu sequences", f.name, a.D,
           a.blockSize, a.heads(), a.kvHeads, headsPerTile, a.window, a.cap, a.sinks, b.sequences.size());
  b.dout->poison();
  Launch launch(f, b, headsPerTile);
  launch(0);
  LAUNCHED();
  beats++;
  auto counter = b.dcounter->get();
  expect(counter[0] == 0 && counter[1] == 0, (std::string(name) + ": counter").c_str(), counter[0], 0);
  auto out = b.dout->get();
  int T = b.cu.back(), width = a.heads() * a.D;
  std::vector<double> got, expected;
  size_t missing = 0, touched = 0;
  double worstRow = 0;
  const uint16_t* bits = (const uint16_t*)out.data();
  for (int t = 0; t < T + 2; t++, bits += b.outStride) {
    int written = t < T ? width : 0;
    for (int c = 0; c < written; c++) missing += (bits[c] & 0x7fff) > 0x7f80;
    for (int c = written; c < b.outStride; c++) touched += bits[c] != 0xffff;
  }
  for (int t = 0; t < T; t++)
    for (int h = 0; h < a.heads(); h++)
      if (checked(b, t, h)) {
        double num = 0, den = 0;
        for (int d = 0; d < a.D; d++) {
          got.push_back(__bfloat162float(out[(size_t)t * b.outStride + h * a.D + d]));
          expected.push_back(want[((size_t)t * a.heads() + h) * a.D + d]);
          num += (got.back() - expected.back()) * (got.back() - expected.back());
          den += expected.back() * expected.back();
        }
        worstRow = std::max(worstRow, sqrt(num / den));
      }
  double error = relative_error(got, expected);
  worst = std::max(worst, error);
  expect(error < 5e-3, name, error, 5e-3);
  expect(worstRow < 3e-2, (std::string(name) + ": worst row").c_str(), worstRow, 3e-2);
  expect(missing == 0, (std::string(name) + ": NaN or not written").c_str(), (double)missing, 0);
  expect(touched == 0, (std::string(name) + ": written outside").c_str(), (double)touched, 0);
}

static void check_all(const Shape& a, const std::vector<std::pair<int, int>>& sequences) {
  Batch b(a, sequences);
  auto want = reference(b);
  for (auto& f : variants)
    if (fits(f, a.D) && (!strncmp(f.name, "sm90", 4) || a.group > 3)) {
      check(f, b, want, 1);
      if (a.group > 1) check(f, b, want, a.group);
    }
}

static void bench(const char* what, const Shape& a, const std::vector<std::pair<int, int>>& sequences, int repeat) {
  Batch b(a, sequences);
  for (auto& f : variants)
    if (fits(f, a.D))
      for (int packed = 0; packed < 2; packed++) {
        Launch launch(f, b, packed ? a.group : 1);
        double us = time_us(repeat, [&](int, cudaStream_t s) { launch(s); }, 9);
        beats++;
        printf("%-28s %-24s heads/tile %d: %9.1f us %7.1f TFLOP/s %5.1f%% of 796\n", what, f.name, launch.headsPerTile, us,
               b.flop() / us * 1e-6, b.flop() / us * 1e-6 / 7.96);
        fflush(stdout);
      }
}

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  start_watchdog();
  std::string mode = argc > 1 ? argv[1] : "";
  typedef std::vector<std::pair<int, int>> Sequences;
  if (mode == "bench") {
    bench("8k", {128, 16, 8, 4}, Sequences{{8192, 0}}, 3);
    bench("8k, blocks of 64", {128, 64, 8, 4}, Sequences{{8192, 0}}, 3);
    bench("64 x 1k", {128, 16, 8, 4}, Sequences(64, {1024, 0}), 3);
    bench("512 after 8k", {128, 16, 8, 4}, Sequences{{512, 8192}}, 10);
    bench("16 x 1 after 4k", {128, 16, 8, 4}, Sequences(16, {1, 4096}), 10);
    bench("8k window 1k", {128, 16, 8, 4, 1024}, Sequences{{8192, 0}}, 5);
    bench("8k cap", {128, 16, 8, 4, 0, 50.f}, Sequences{{8192, 0}}, 3);
    bench("8k d64", {64, 16, 8, 4}, Sequences{{8192, 0}}, 3);
    bench("8k d80", {80, 16, 8, 4}, Sequences{{8192, 0}}, 3);
    bench("8k d96", {96, 16, 8, 4}, Sequences{{8192, 0}}, 3);
    bench("8k d256", {256, 16, 4, 4}, Sequences{{8192, 0}}, 3);
    return 0;
  }
  if (mode == "small") {
    for (int D : {64, 96, 128, 256}) check_all({D, 16, 2, 3, 0, 0, true}, Sequences{{1, 0}, {65, 0}, {7, 130}});
    check_all({128, 32, 1, 2, 40, 20.f}, Sequences{{150, 60}});
    printf("worst relative error %.2e\n", worst);
    return summary();
  }
  if (mode == "some") {  // what an emulator can do in a minute
    Sequences few = {{1, 0}, {2, 0}, {63, 0}, {129, 0}, {1, 200}, {17, 290}, {130, 70}};
    int n = 0;
    for (int D : {64, 80, 96, 128, 256})
      for (int blockSize : {16, 32, 64})
        for (int window : {0, 1, 17, 150}) {
          const int group = n % 4 + 1;
          check_all({D, blockSize, 1, group, n % 3 ? window : 0, n % 5 == 3 ? 5.f : 0.f, n % 2 == 1}, few);
          n++;
        }
    printf("worst relative error %.2e\n", worst);
    return summary();
  }
  Sequences mixture = {{1, 0}, {2, 0},   {63, 0},   {64, 0},    {65, 0},     {127, 0}, {128, 0},
                       {1, 200}, {129, 0}, {1000, 0}, {17, 513}, {200, 777}, {130, 1000}, {1, 1023}};
  for (int D : {64, 80, 96, 128, 256})
    for (int blockSize : {16, 32, 64})
      for (int group : {1, 3, 4, 8}) check_all({D, blockSize, 2, group}, mixture);
  int turn = 0;
  for (int D : {64, 80, 96, 128, 256})
    for (int window : {0, 1, 17, 128, 300})
      for (float cap : {0.f, 5.f}) {
        int group = turn % 4 + 1;
        check_all({D, 16 << turn % 3, 2, group, window, cap, turn % 2 == 0}, mixture);
        turn++;
      }
  printf("worst relative error %.2e\n", worst);
  return summary();
}
