// Paged causal attention against double precision, and the same bits whatever surrounds a row.
#include "../../main/cuda/attention.cu"
#include "attention_case.cuh"
#include "launch.cuh"

typedef void (*Kernel)(bf16*, int, const bf16*, int, const bf16*, const bf16*, int, const int*, const int*, const int*,
                       const int*, const int2*, int, int, float, int, float, const float*, int);

typedef void (*Fp8Kernel)(bf16*, int, const bf16*, int, const e4m3*, const e4m3*, int, const int*, const int*, const int*,
                          const int*, const int2*, int, int, float, int, float, const float*, int, float);

static Fp8Kernel fp8_kernel_of(int D, bool rows) {
  if (rows)
    return D == 64 ? paged_attention_rows_fp8_d64 : D == 80 ? paged_attention_rows_fp8_d80 : D == 96 ? paged_attention_rows_fp8_d96
         : D == 128 ? paged_attention_rows_fp8_d128 : paged_attention_rows_fp8_d256;
  return D == 64 ? paged_attention_fp8_d64 : D == 80 ? paged_attention_fp8_d80 : D == 96 ? paged_attention_fp8_d96
       : D == 128 ? paged_attention_fp8_d128 : paged_attention_fp8_d256;
}

static Kernel kernel_of(int D, bool rows) {
  if (rows)
    return D == 64 ? paged_attention_rows_bf16_d64 : D == 80 ? paged_attention_rows_bf16_d80 : D == 96 ? paged_attention_rows_bf16_d96
         : D == 128 ? paged_attention_rows_bf16_d128 : paged_attention_rows_bf16_d256;
  return D == 64 ? paged_attention_bf16_d64 : D == 80 ? paged_attention_bf16_d80 : D == 96 ? paged_attention_bf16_d96
       : D == 128 ? paged_attention_bf16_d128 : paged_attention_bf16_d256;
}

// Other tile sizes, for `bench all`: keys a tile, warps, 16-row tiles a warp, CTAs an SM.
#define VARIANT(D, BLOCK_N, WARPS, MT, CTAS)                                                                            \
  __global__ void __launch_bounds__(WARPS * 32, CTAS) variant_##D##_##BLOCK_N##_##WARPS##_##MT##_##CTAS(                \
      bf16* out, int outStride, const bf16* q, int qStride, const bf16* kCache, const bf16* vCache, int blockSize,      \
      const int* cuSeqlensQ, const int* seqLens, const int* blockTableStart, const int* blockTables, const int2* items, \
      int numHeads, int numKvHeads, float scale, int slidingWindow, float softCap, const float* sinks, int stages) {    \
    attention::varlen::run<D, BLOCK_N, WARPS, MT, false, attention::Bf16Pages<D>>(                                      \
        {out, q, kCache, vCache, cuSeqlensQ, seqLens, blockTableStart, blockTables, items, sinks, outStride, qStride,   \
         31 - __clz(blockSize), numHeads, numKvHeads, slidingWindow, stages, scale, softCap, 1.f});                     \
  }
VARIANT(128, 64, 4, 1, 3)
VARIANT(128, 64, 8, 1, 1)
VARIANT(128, 32, 4, 2, 2)
VARIANT(128, 64, 8, 2, 1)
VARIANT(64, 64, 4, 1, 3)
VARIANT(64, 64, 8, 2, 1)
VARIANT(256, 64, 8, 1, 1)

struct Variant {
  const char* name;
  Kernel kernel;
  int D, blockN, warps, mt;
};
#define ENTRY(D, BLOCK_N, WARPS, MT, CTAS)                                                                            \
  {#BLOCK_N " keys, " #WARPS " warps x " #MT ", " #CTAS " CTAs", variant_##D##_##BLOCK_N##_##WARPS##_##MT##_##CTAS, D, \
   BLOCK_N, WARPS, MT}
static const Variant variants[] = {
    {"chosen", paged_attention_bf16_d128, 128, 64, 4, 2}, ENTRY(128, 64, 4, 1, 3), ENTRY(128, 64, 8, 1, 1),
    ENTRY(128, 32, 4, 2, 2), ENTRY(128, 64, 8, 2, 1),
    {"chosen", paged_attention_bf16_d64, 64, 64, 4, 2}, ENTRY(64, 64, 4, 1, 3), ENTRY(64, 64, 8, 2, 1),
    {"chosen", paged_attention_bf16_d256, 256, 32, 4, 1}, ENTRY(256, 64, 8, 1, 1)};

struct Run {
  bool rows;
  int stages;
  bool pdl;
};

static int block_m(int D, bool rows) { return rows ? 1 : D == 256 ? 64 : 128; }

static int shared_bytes(int D, const Run& r, bool fp8) {
  const int pitch = !fp8 ? 2 * (D + 8) : D / 16 % 2 ? D : D + 16;
  return (r.rows ? 16 : block_m(D, false)) * 2 * (D + 8) + r.stages * 2 * (D == 256 ? 32 : 64) * pitch;
}

static void launch(const Batch& b, const Run& r, bf16* out, const bf16* q, const int* cu, const int* lens, const int* starts,
                   const int2* items, int numItems, cudaStream_t stream) {
  const Shape& s = b.shape;
  const void* kernel = b.fp8 ? (const void*)fp8_kernel_of(s.D, r.rows) : (const void*)kernel_of(s.D, r.rows);
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(r.rows ? s.numKvHeads * ((s.group + 15) / 16) : s.numHeads(), numItems);
  config.blockDim = dim3(128);
  config.dynamicSmemBytes = shared_bytes(s.D, r, b.fp8);
  config.stream = stream;
  cudaLaunchAttribute pdl;
  pdl.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  pdl.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &pdl;
  config.numAttrs = r.pdl ? 1 : 0;
  CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)config.dynamicSmemBytes));
  if (b.fp8) {
    CUDA(cudaLaunchKernelEx(&config, fp8_kernel_of(s.D, r.rows), out, b.outStride, q, b.qStride, b.k8(), b.v8(), s.blockSize, cu,
                            lens, starts, (const int*)b.dTables->p, items, s.numHeads(), s.numKvHeads, b.kernel_scale(), s.window,
                            s.softCap, b.sinks_or_null(), r.stages, VALUE_SCALE));
    return;
  }
  CUDA(cudaLaunchKernelEx(&config, kernel_of(s.D, r.rows), out, b.outStride, q, b.qStride, (const bf16*)b.dK->p, (const bf16*)b.dV->p, s.blockSize,
                          cu, lens, starts, (const int*)b.dTables->p, items, s.numHeads(), s.numKvHeads, b.scale, s.window,
                          s.softCap, b.sinks_or_null(), r.stages));
}

static std::vector<int2> items_of(const std::vector<int>& rows, int blockM) {
  std::vector<int2> items;
  for (size_t s = 0; s < rows.size(); s++)
    for (int y = 0; y < rows[s]; y += blockM) items.push_back(make_int2((int)s, y));
  std::reverse(items.begin(), items.end());
  items.insert(items.begin() + items.size() / 2, make_int2(-1, 0));
  return items;
}

static void check(const Shape& s, const std::vector<int>& lens, const std::vector<int>& rows) {
  Batch b(s, lens, rows);
  std::vector<int> wanted(lens.size(), 1);
  const std::vector<double> want = b.reference(wanted);
  Dev<bf16> out((size_t)(b.cu.back() + 1) * b.outStride);
  std::vector<bf16> first;
  char what[200];
  for (Run r : {Run{false, 2, false}, Run{false, 1, true}, Run{true, 2, true}, Run{true, 1, false}}) {
    Dev<int2> items(items_of(rows, block_m(s.D, r.rows)));
    out.poison();
    for (int i = 0; i < 2; i++)
      launch(b, r, out.p, b.dQ->p, b.dCu->p, b.dLens->p, b.dTableStart->p, items.p, (int)items.n, 0);
    LAUNCHED();
    std::vector<bf16> got = out.get();
    double e = b.error(got, want, wanted);
    snprintf(what, sizeof what, "%s D %d block %d kv %d group %d window %d cap %g sinks %d, %zu sequences, rows kernel %d, %d stages",
             s.fp8 ? "fp8" : "bf16", s.D,
             s.blockSize, s.numKvHeads, s.group, s.window, s.softCap, s.sinks, lens.size(), r.rows, r.stages);
    expect(e < 8e-3, what, e, 8e-3);
    if (first.empty()) first = got;
    else expect(!memcmp((void*)first.data(), (void*)got.data(), got.size() * 2), "the same bits from both kernels", r.rows, s.D);
  }
}

// One prompt whole, in chunks, and among others: equal bits.
static void invariant(const Shape& s, int len) {
  Batch b(s, {40, len, 300}, {7, len, 33});
  auto compute = [&](const Run& r, int from, int to, bool alone) {
    std::vector<int> lens = {40, to, 300}, rows = {7, to - from, 33}, starts = {b.tableStart[0], b.tableStart[1], b.tableStart[2]};
    if (alone) lens[0] = lens[2] = rows[0] = rows[2] = 0;
    std::vector<int> cu = {0, rows[0], rows[0] + rows[1], rows[0] + rows[1] + rows[2]};
    Dev<int> dLens(lens), dCu(cu), dStarts(starts);
    Dev<int2> items(items_of(rows, block_m(s.D, r.rows)));
    Dev<bf16> out((size_t)cu[3] * b.outStride), q((size_t)cu[3] * b.qStride);
    CUDA(cudaMemcpy((void*)q.p, b.dQ->p, (size_t)rows[0] * b.qStride * 2, cudaMemcpyDeviceToDevice));
    CUDA(cudaMemcpy((void*)(q.p + (size_t)cu[1] * b.qStride), b.dQ->p + (size_t)(b.cu[1] + from) * b.qStride,
                    (size_t)rows[1] * b.qStride * 2, cudaMemcpyDeviceToDevice));
    CUDA(cudaMemcpy((void*)(q.p + (size_t)cu[2] * b.qStride), b.dQ->p + (size_t)b.cu[2] * b.qStride, (size_t)rows[2] * b.qStride * 2,
                    cudaMemcpyDeviceToDevice));
    launch(b, r, out.p, q.p, dCu.p, dLens.p, dStarts.p, items.p, (int)items.n, 0);
    LAUNCHED();
    std::vector<bf16> all = out.get();
    return std::vector<bf16>(all.begin() + (size_t)cu[1] * b.outStride, all.begin() + (size_t)cu[2] * b.outStride);
  };
  const std::vector<bf16> whole = compute({false, 2, false}, 0, len, true);
  auto same = [&](const std::vector<bf16>& part, int from, const char* what, double which) {
    expect(!memcmp((void*)part.data(), (void*)&whole[(size_t)from * b.outStride], part.size() * 2), what, which, s.D);
  };
  same(compute({false, 2, false}, 0, len, false), 0, "the same bits in a batch", 0);
  for (int chunk : {7, 64, 100})
    for (int from = 0; from < len; from += chunk)
      same(compute({false, 2, false}, from, std::min(len, from + chunk), chunk == 64), from, "the same bits in chunks", chunk);
  for (int i = 0; i < len; i += 13) {
    same(compute({true, 2, false}, i, i + 1, i % 2), i, "the same bits as a decode row, rows kernel", i);
    same(compute({false, 1, false}, i, i + 1, i % 2), i, "the same bits as a decode row", i);
  }
}

static void bench(bool all) {
  for (int D : {128, 64, 256}) {
    const int len = 8192, H = D == 256 ? 16 : 32;
    Shape s = {D, 16, 8, H / 8, 0, 0, false};
    Batch b(s, {len}, {len});
    Dev<bf16> out((size_t)len * b.outStride);
    for (const Variant& v : variants)
      for (int stages : {1, 2}) {
        const int blockM = v.warps * v.mt * 16, bytes = blockM * 2 * (D + 8) + stages * 4 * v.blockN * (D + 8);
        if (v.D != D || bytes > 227 << 10 || (!all && strcmp(v.name, "chosen"))) continue;
        Dev<int2> items(items_of({len}, blockM));
        double us = time_us(3, [&](int, cudaStream_t x) {
          launch(v.kernel, dim3(H, (int)items.n), dim3(v.warps * 32), bytes, x, out.p, b.outStride, b.dQ->p, b.qStride, b.dK->p,
                 b.dV->p, 16, b.dCu->p, b.dLens->p, b.dTableStart->p, b.dTables->p, items.p, H, 8, b.scale, 0, 0.f, nullptr, stages);
        }, 5);
        printf("8k causal D %3d, heads %d/8, %s, %d stages: %8.1f us, %4.0f TFLOP/s, %3.0f%% of 796\n", D, H, v.name, stages, us,
               2. * len * len * D * H / us * 1e-6, 2. * len * len * D * H / us * 1e-4 / 796);
      }
    s.fp8 = true;
    Batch c(s, {len}, {len});
    Dev<int2> items(items_of({len}, block_m(D, false)));
    double us = time_us(3, [&](int, cudaStream_t x) {
      launch(c, {false, 2, true}, out.p, c.dQ->p, c.dCu->p, c.dLens->p, c.dTableStart->p, items.p, (int)items.n, x);
    }, 5);
    printf("8k causal D %3d, heads %d/8, fp8 pages, 2 stages: %8.1f us, %4.0f TFLOP/s, %3.0f%% of 796\n", D, H, us,
           2. * len * len * D * H / us * 1e-6, 2. * len * len * D * H / us * 1e-4 / 796);
  }
  for (int n : {1, 64}) {
    const int len = n == 1 ? 640 : 512;
    Batch b({128, 16, 8, 4, 0, 0, false}, std::vector<int>(n, len), std::vector<int>(n, 1));
    Dev<bf16> out((size_t)n * b.outStride);
    Dev<int2> items(items_of(b.rows, 1));
    for (bool rows : {false, true})
      for (int stages : {1, 2}) {
        double us = time_us(20, [&](int, cudaStream_t x) {
          launch(b, {rows, stages, true}, out.p, b.dQ->p, b.dCu->p, b.dLens->p, b.dTableStart->p, items.p, (int)items.n, x);
        }, 5);
        printf("decode %d x %d, rows kernel %d, %d stages: %8.1f us, %5.0f GB/s\n", n, len, rows, stages, us, 4. * n * len * 8 * 128 / us * 1e-3);
      }
  }
}

int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "bench")) {
    bench(argc > 2);
    return 0;
  }
  bool small = argc > 1 && !strcmp(argv[1], "small");
  std::vector<int> lens = {1, 2, 17, 64, 65, 130, 0, 200, 333}, rows = {1, 1, 17, 64, 3, 130, 0, 1, 150};
  if (small) lens = {1, 17, 0, 150}, rows = {1, 17, 0, 70};
  for (int D : {64, 80, 96, 128, 256})
    for (bool fp8 : {false, true}) {
      for (int block : {16, 32, 64})
        for (int group : {1, 3, 4, 8, 16, 24}) {
          if (small ? block != 16 || group != 3 : group > 4 && block != 16) continue;
          check({D, block, 2, group, 0, 0, false, fp8}, lens, rows);
        }
      if (small) continue;
      check({D, 16, 2, 4, 50, 0, true, fp8}, lens, rows);
      check({D, 32, 1, 24, 64, 20.f, true, fp8}, lens, rows);
      check({D, 64, 2, 1, 0, 50.f, true, fp8}, lens, rows);
      check({D, 16, 1, 2, 0, 0, false, fp8}, {1000, 5000}, {300, 1});
      invariant({D, 16, 2, 4, 0, 0, false, fp8}, 420);
      invariant({D, 32, 1, 3, 90, 0, true, fp8}, 300);
    }
  return summary();
}
