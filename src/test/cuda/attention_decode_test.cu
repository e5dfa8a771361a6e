// Paged decode attention against double precision; `small` for the sanitizers, `bench` for a table of times.
#include "../../main/cuda/attention_decode.cu"
#include "attention_case.cuh"

constexpr int TILE = attention::decode::TILE;

typedef void (*Kernel)(bf16*, int, const bf16*, int, const bf16*, const bf16*, int, const int*, const int*, const int*,
                       const int*, const int*, const int*, int, float*, int*, int, int, float, int, float, const float*, int, int);

typedef void (*Fp8Kernel)(bf16*, int, const bf16*, int, const e4m3*, const e4m3*, int, const int*, const int*, const int*,
                          const int*, const int*, const int*, int, float*, int*, int, int, float, int, float, const float*, int,
                          int, float);

static Fp8Kernel fp8_kernel_of(int D) {
  return D == 64 ? paged_decode_fp8_d64 : D == 80 ? paged_decode_fp8_d80 : D == 96 ? paged_decode_fp8_d96
       : D == 128 ? paged_decode_fp8_d128 : paged_decode_fp8_d256;
}

static Kernel kernel_of(int D) {
  return D == 64 ? paged_decode_bf16_d64 : D == 80 ? paged_decode_bf16_d80 : D == 96 ? paged_decode_bf16_d96
       : D == 128 ? paged_decode_bf16_d128 : paged_decode_bf16_d256;
}

struct Config {
  int threads, stages, grid, early;
  bool pdl;
};

static int shared_bytes(int D, int threads, int stages, bool fp8) {
  if (fp8)
    return threads / 32 * (stages * 32 * (D / 16 % 2 ? D : D + 16) + 64 * (D + 8)) + 32 * (D + 8) + threads / 32 * 132 + 16;
  return threads / 32 * stages * 64 * (D + 8) + 32 * (D + 8) + threads / 32 * 132 + 16;
}

static int tiles_of(int len, int window) {
  return (len + TILE - 1) / TILE - std::max(0, window > 0 ? len - window : 0) / TILE;
}

static void launch(const Batch& b, const Config& c, bf16* out, const int* seqs, const int* tileStart, const int* tables, int nD,
                   float* scratch, int* counters, cudaStream_t stream) {
  const Shape& s = b.shape;
  const void* kernel = b.fp8 ? (const void*)fp8_kernel_of(s.D) : (const void*)kernel_of(s.D);
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(c.grid);
  config.blockDim = dim3(c.threads);
  config.dynamicSmemBytes = shared_bytes(s.D, c.threads, c.stages, b.fp8);
  config.stream = stream;
  cudaLaunchAttribute pdl;
  pdl.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  pdl.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &pdl;
  config.numAttrs = c.pdl ? 1 : 0;
  CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)config.dynamicSmemBytes));
  if (b.fp8) {
    CUDA(cudaLaunchKernelEx(&config, fp8_kernel_of(s.D), out, b.outStride, (const bf16*)b.dQ->p, b.qStride, b.k8(), b.v8(),
                            s.blockSize, (const int*)b.dCu->p, (const int*)b.dLens->p, (const int*)b.dTableStart->p, tables,
                            seqs, tileStart, nD, scratch, counters, s.numHeads(), s.numKvHeads, b.kernel_scale(), s.window,
                            s.softCap, b.sinks_or_null(), c.stages, c.early, VALUE_SCALE));
    return;
  }
  CUDA(cudaLaunchKernelEx(&config, kernel_of(s.D), out, b.outStride, (const bf16*)b.dQ->p, b.qStride, (const bf16*)b.dK->p,
                          (const bf16*)b.dV->p, s.blockSize, (const int*)b.dCu->p, (const int*)b.dLens->p,
                          (const int*)b.dTableStart->p, tables, seqs, tileStart, nD, scratch, counters, s.numHeads(),
                          s.numKvHeads, b.scale, s.window, s.softCap, b.sinks_or_null(), c.stages, c.early));
}

// Entries in shuffled order with padding between; sequences of several rows are not entries and must stay untouched.
static void check(const Shape& s, std::vector<int> lens, const std::vector<Config>& configs, int repeats = 2) {
  std::vector<int> rows, wanted, seqs, tileStart{0};
  for (size_t i = 0; i < lens.size(); i++) {
    rows.push_back(i % 5 == 3 && lens[i] >= 3 ? 3 : lens[i] > 0);
    wanted.push_back(rows.back() == 1);
    if (wanted.back()) seqs.push_back((int)i);
  }
  std::shuffle(seqs.begin(), seqs.end(), rng);
  seqs.insert(seqs.begin() + seqs.size() / 2, -1);
  seqs.push_back(-1);
  seqs.push_back(-1);
  for (int q : seqs) tileStart.push_back(tileStart.back() + (q < 0 ? 0 : tiles_of(lens[q], s.window)));
  Batch b(s, lens, rows);
  Dev<int> dSeqs(seqs), dTiles(tileStart);
  const std::vector<double> want = b.reference(wanted);
  char what[200];
  for (const Config& c : configs) {
    Dev<bf16> out((size_t)(b.cu.back() + 1) * b.outStride);
    Dev<float> scratch((size_t)c.grid * 32 * (s.D + 2));
    Dev<int> counters(std::vector<int>(c.grid, 0));
    std::vector<bf16> first;
    for (int r = 0; r < repeats; r++) {
      out.poison();
      launch(b, c, out.p, dSeqs.p, dTiles.p, b.dTables->p, (int)seqs.size(), scratch.p, counters.p, 0);
      if (c.pdl) launch(b, c, out.p, dSeqs.p, dTiles.p, b.dTables->p, (int)seqs.size(), scratch.p, counters.p, 0);
      LAUNCHED();
      std::vector<bf16> got = out.get();
      snprintf(what, sizeof what, "%s D %d block %d kv %d group %d window %d cap %g sinks %d, %zu sequences, %d×%d threads, %d stages, early %d",
               s.fp8 ? "fp8" : "bf16", s.D, s.blockSize, s.numKvHeads, s.group, s.window, s.softCap, s.sinks, lens.size(), c.grid, c.threads, c.stages, c.early);
      if (r == 0) {
        first = got;
        double e = b.error(got, want, wanted);
        expect(e < 8e-3, what, e, 8e-3);
      } else {
        expect(!memcmp((void*)first.data(), (void*)got.data(), got.size() * 2), "the same bits again", 0, 0);
      }
    }
    for (int n : counters.get()) if (n) expect(false, "counter left", n, 0);
  }
}

static void cases(bool small, bool fp8) {
  std::vector<int> mixture = {1, 2, 15, 16, 17, 63, 64, 65, 0, 130, 200}, lengthy = {1000, 5000, 33, 700, 64, 0, 1, 2500};
  if (small) mixture = {1, 17, 64, 65, 0, 130, 300};
  Config four = {128, 3, 264, 0, false}, eight = {256, 2, 7, 1, true}, few = {128, 2, 3, 1, true}, one = {256, 2, 1, 0, false};
  for (int D : {64, 80, 96, 128, 256}) {
    Config a = four, e = eight;
    if (D == 256) a.stages = 2, e.threads = one.threads = 128;
    for (int block : {16, 32, 64}) {
      if (small && block != 32) continue;
      for (int group : {1, 3, 4, 8, 16, 24}) {
        if (small && group != 3 && group != 24) continue;
        check({D, block, 2, group, 0, 0, false, fp8}, mixture, {a, e});
      }
    }
    if (small) continue;
    for (int group : {1, 4}) check({D, 16, 2, group, 0, 0, false, fp8}, lengthy, {a, e, few, one});
    check({D, 16, 2, 4, 100, 0, true, fp8}, lengthy, {a, e});
    check({D, 64, 1, 8, 16, 30.f, false, fp8}, lengthy, {a, e});
    check({D, 32, 3, 4, 1000, 50.f, true, fp8}, mixture, {a, few});
  }
  check({128, 16, 8, 4, 0, 0, false, fp8}, {640}, {four, few});
  check({128, 16, 1, 8, 0, 0, true, fp8}, {5000}, {four, {128, 6, 132, 1, true}, {128, 1, 132, 1, true}});
  if (!small) check({128, 16, 8, 4, 0, 0, false, fp8}, std::vector<int>(300, 70), {four, eight});
}

struct Load {
  const char* name;
  std::vector<int> lens;
};

static void bench(int D, int H, int kv, int blockSize, const std::vector<Load>& loads, const std::vector<Config>& configs,
                  bool fp8 = false) {
  const int element = fp8 ? 1 : 2;
  printf("%s pages, D %d, heads %d/%d, block %d; bound at 4.5 TB/s\n", fp8 ? "fp8" : "bf16", D, H, kv, blockSize);
  for (const Load& load : loads) {
    // Only the lengths matter to a Batch here; the cache is a large pool, another part of it for each call of the graph.
    size_t tokens = 0, blocks = 0;
    for (int n : load.lens) tokens += n, blocks += (n + blockSize - 1) / blockSize;
    size_t bytes = tokens * kv * D * 2 * element, blockBytes = (size_t)kv * blockSize * D * element;
    int sets = (int)std::min<size_t>(40, std::max<size_t>(2, (400u << 20) / bytes + 1)), calls = std::max(sets, 20) / sets * sets;
    std::vector<int> seqs, tileStart{0}, rows(load.lens.size(), 1), order(sets * blocks);
    for (size_t i = 0; i < order.size(); i++) order[i] = (int)i;
    std::shuffle(order.begin(), order.end(), rng);
    for (size_t i = 0; i < load.lens.size(); i++) seqs.push_back((int)i), tileStart.push_back(tileStart.back() + tiles_of(load.lens[i], 0));
    Batch b({D, blockSize, kv, H / kv, 0, 0, false, fp8}, std::vector<int>(load.lens.size(), 1), rows);
    std::vector<int> starts{0};
    for (int n : load.lens) starts.push_back(starts.back() + (n + blockSize - 1) / blockSize);
    b.dLens->put(load.lens);
    b.dTableStart->put(starts);
    delete b.dK;
    delete b.dV;
    std::vector<bf16> noise = random_bf16(1 << 20, 1.f);
    for (size_t i = 0; fp8 && i < 2 * noise.size(); i++) ((unsigned char*)noise.data())[i] &= 0xbf;  // no NaN
    for (auto* d : {&b.dK, &b.dV}) {
      *d = new Dev<bf16>(sets * blocks * blockBytes / 2);
      for (size_t i = 0; i < (*d)->n; i += noise.size())
        CUDA(cudaMemcpyAsync((*d)->p + i, noise.data(), std::min(noise.size(), (*d)->n - i) * 2, cudaMemcpyHostToDevice));
    }
    Dev<int> tables(order), dSeqs(seqs), dTiles(tileStart);
    Dev<bf16> out(load.lens.size() * b.outStride);
    for (const Config& c : configs) {
      Dev<float> scratch((size_t)c.grid * 32 * (D + 2));
      Dev<int> counters(std::vector<int>(c.grid, 0));
      double us = time_us(calls, [&](int i, cudaStream_t stream) {
        launch(b, c, out.p, dSeqs.p, dTiles.p, tables.p + i % sets * blocks, (int)seqs.size(), scratch.p, counters.p, stream);
      }, 9);
      printf("%-12s %3d threads %d stages grid %3d pdl %d early %d  %8.2f us  %6.0f GB/s  %3.0f%%\n", load.name, c.threads, c.stages,
             c.grid, c.pdl, c.early, us, bytes / us * 1e-3, bytes / us * 1e-3 / 45);
    }
  }
}

int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "bench")) {
    bool variants = argc > 2;
    std::vector<int> skewed(64, 300);
    skewed[0] = 60000, skewed[1] = 20000;
    std::vector<Load> loads = {{"1 x 640", {640}}, {"1 x 8k", {8192}}, {"8 x 1k", std::vector<int>(8, 1024)},
                               {"64 x 4k", std::vector<int>(64, 4096)}, {"256 x 1k", std::vector<int>(256, 1024)},
                               {"512 x 400", std::vector<int>(512, 400)}, {"skewed", skewed}};
    std::vector<Config> usual = {{128, 3, 264, 0, true}, {128, 3, 264, 1, true}}, all = usual;
    if (variants) all = {{128, 3, 264, 0, false}, {128, 3, 264, 0, true}, {128, 3, 264, 1, true}, {128, 2, 264, 1, true},
                         {128, 4, 132, 1, true}, {128, 6, 132, 1, true}, {256, 2, 132, 1, true}, {256, 3, 132, 1, true}};
    bench(128, 32, 8, 16, loads, all);
    std::vector<Config> fp8 = {{256, 4, 132, 1, true}};
    if (variants) fp8 = {{256, 4, 132, 0, true}, {256, 4, 132, 1, true}, {256, 3, 132, 1, true}, {256, 2, 132, 1, true},
                         {128, 4, 264, 1, true}, {128, 6, 132, 1, true}, {128, 3, 264, 1, true}};
    bench(128, 32, 8, 16, loads, fp8, true);
    if (variants) {
      std::vector<Load> some = {loads[0], loads[3]};
      bench(64, 32, 8, 16, some, {{128, 3, 264, 1, true}, {128, 3, 396, 1, true}, {128, 6, 264, 1, true}, {256, 3, 132, 1, true}, {256, 5, 132, 1, true}});
      bench(256, 16, 8, 16, some, {{128, 3, 132, 1, true}, {128, 2, 132, 1, true}});
      bench(128, 64, 8, 16, some, usual);
      bench(128, 8, 1, 16, loads, usual);
      bench(64, 32, 8, 16, some, {{256, 6, 132, 1, true}, {128, 6, 264, 1, true}}, true);
      bench(256, 16, 8, 16, some, {{128, 4, 132, 1, true}, {128, 3, 132, 1, true}}, true);
      bench(128, 64, 8, 16, some, fp8, true);
    }
    return 0;
  }
  for (bool fp8 : {false, true}) cases(argc > 1 && !strcmp(argv[1], "small"), fp8);
  return summary();
}
