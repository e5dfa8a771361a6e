// Products of few rows with integer matrices against a double reference: all forms of scales, awkward sizes, independence of
// the rows; the same matrices as bf16 and as embeddings; permuted columns.
#include "int_case.cuh"
#include "../../main/cuda/embedding.cu"
#include "../../main/cuda/gemv_int.cu"
#include "../../main/cuda/int_dequantize.cu"

static size_t shared_bytes(int N, int bits, int NT, int form, int granules, int grid) {
  const int small = 8 / bits, width = (form & ints::WIDE ? 4 : 2) << (form & ints::OFFSETS ? 1 : 0);
  const int tiles = NT > 1 || ceil_div(ceil_div(N, 16), grid) <= small ? small : 2 * small;
  const int codes = tiles * bits * 128, stage = codes + tiles * granules * 16 * width;
  return (size_t)8 * NT * 8 * (16 * tiles + 4) * 4 + (size_t)65536 / codes * stage;
}

template <typename OUT>
static void gemv(OUT* out, const bf16* x, const unsigned char* codes, const unsigned char* scales, const IntCase& c, const float* bias,
                 int M, int xStride, int outStride, bool wide, cudaStream_t s, int grid = 132) {
  auto kernel = c.bits == 4 ? (wide ? gemv_w4a16_m16 : gemv_w4a16) : (wide ? gemv_w8a16_m16 : gemv_w8a16);
  launch(kernel, grid, 256, shared_bytes(c.N, c.bits, wide ? 2 : 1, c.form, c.granulesPerStep, grid), s, out, x, codes, scales, bias,
         c.N, c.K, M, xStride, outStride, (int)(sizeof(OUT) == 4), c.form, c.groups, c.groupSteps, c.granulesPerStep);
}

template <typename OUT>
static double error(const std::vector<OUT>& got, const std::vector<double>& want, int M, int N, int stride, bool& clean) {
  std::vector<double> y((size_t)M * N);
  for (size_t i = 0; i < got.size(); i++) {
    const int m = (int)(i / stride), n = (int)(i % stride);
    if (m < M && n < N) y[(size_t)m * N + n] = (double)(float)got[i];
    else clean = clean && untouched(got[i]);
  }
  return relative_error(y, {want.begin(), want.begin() + (size_t)M * N});
}

static void check(int N, int K, int bits, int group, int form, bool withBias) {
  const IntCase c(N, K, bits, group, form);
  const int xStride = K + 8, outStride = N + 5, MAX = 16;
  std::vector<bf16> x = random_bf16((size_t)MAX * xStride, 1);
  std::vector<float> bias = withBias ? random_f32(N, 1) : std::vector<float>();
  Dev<bf16> dx(x), out((size_t)(MAX + 1) * outStride);
  Dev<unsigned char> codes(c.codes), scales(c.scales);
  Dev<float> dbias(bias), outF((size_t)(MAX + 1) * outStride);
  const float* b = withBias ? dbias.p : nullptr;
  std::vector<double> want((size_t)MAX * N);
  for (int m = 0; m < MAX; m++)
    for (int n = 0; n < N; n++) {
      double sum = withBias ? bias[n] : 0.;
      for (int k = 0; k < K; k++) sum += (double)(float)x[(size_t)m * xStride + k] * c.w[(size_t)n * K + k];
      want[(size_t)m * N + n] = sum;
    }
  char what[140];
  std::vector<std::vector<float>> rows(MAX);
  for (int M : {16, 9, 8, 5, 1})
    for (int wide = M > 8; wide < 2; wide++)
      for (int grid : {132, 3}) {
        outF.poison();
        gemv(outF.p, dx.p, codes.p, scales.p, c, b, M, xStride, outStride, wide, 0, grid);
        LAUNCHED();
        snprintf(what, sizeof what, "gemv int%d N=%d K=%d group=%d form=%d M=%d wide=%d grid=%d", bits, N, K, group, form, M, wide, grid);
        const std::vector<float> got = outF.get();
        bool clean = true;
        const double e = error(got, want, M, N, outStride, clean);
        expect(clean && e < 1e-5, what, e, 1e-5);
        for (int m = 0; m < M; m++) {
          std::vector<float> row(got.begin() + (size_t)m * outStride, got.begin() + (size_t)m * outStride + N);
          if (rows[m].empty()) rows[m] = row;
          expect(same_bits(row, rows[m]), "gemv int: a row's bits change with M, the grid or the kernel", m, 0);
        }
        if (M == 16 || M == 1) wide = 1;
      }
  gemv(out.p, dx.p, codes.p, scales.p, c, b, 3, xStride, outStride, false, 0);
  LAUNCHED();
  bool clean = true;
  double e = error(out.get(), want, 3, N, outStride, clean);
  expect(clean && e < 4e-3, "gemv int bf16", e, 4e-3);

  // The same numbers as bf16 and as f32 rows.
  const int firstTile = N > 40 ? 1 : 0, numRows = N - 16 * firstTile;
  Dev<bf16> dense((size_t)(numRows + 1) * K);
  launch(c.bits == 4 ? dequantize_w4 : dequantize_w8, dim3(ceil_div(c.steps(), 8), 3), 256, 0, 0, dense.p, codes.p, scales.p, N, K, form,
         c.groups, c.groupSteps, c.granulesPerStep, firstTile, numRows);
  std::vector<int> ids = {N - 1, 0, N / 2, -1, N, -3};
  Dev<int> dids(ids), last(std::vector<int>{N / 3, 7, N + 9});
  Dev<float> picked((ids.size() + 1) * K);
  launch(c.bits == 4 ? embed_w4 : embed_w8, dim3(2, 4), 128, 0, 0, picked.p, codes.p, scales.p, N, K, form, c.groups, c.groupSteps,
         c.granulesPerStep, dids.p, last.p, 1.5f, (int)ids.size());
  LAUNCHED();
  const std::vector<bf16> d = dense.get();
  const std::vector<float> p = picked.get();
  double worst = 0;
  for (size_t i = 0; i < (size_t)numRows * K; i++) {
    const double w = c.w[(size_t)16 * firstTile * K + i];
    worst = std::max(worst, fabs((double)(float)d[i] - w) / (fabs(w) + 1e-4));
  }
  clean = true;
  for (size_t i = (size_t)numRows * K; i < d.size(); i++) clean = clean && untouched(d[i]);
  expect(clean && worst < 0.004, "dequantize", worst, 0.004);
  worst = 0;
  const int rowsOf[] = {N - 1, 0, N / 2, N / 3, -1, -1};
  for (size_t r = 0; r <= ids.size(); r++)
    for (int k = 0; k < K; k++) {
      const float got = p[r * K + k];
      if (r == ids.size()) clean = clean && untouched(got);
      else worst = std::max(worst, fabs(got - (rowsOf[r] < 0 ? 0. : 1.5 * c.w[(size_t)rowsOf[r] * K + k])) / 0.01);
    }
  expect(clean && worst < 1e-5, "embed int", worst, 1e-5);
}

// NaN and infinity of a scale or of x stay in their own row.
static void check_special(int N, int K, int bits) {
  IntCase c(N, K, bits, 32, ints::WIDE);
  std::vector<bf16> x = random_bf16(8 * (size_t)K, 1);
  Dev<bf16> dx(x);
  Dev<unsigned char> codes(c.codes), scales(c.scales);
  Dev<float> out((size_t)8 * N);
  gemv(out.p, dx.p, codes.p, scales.p, c, nullptr, 8, K, N, false, 0);
  LAUNCHED();
  const std::vector<float> before = out.get();
  c.set_scale(N / 2, K / 2, NAN, 0);
  c.set_scale(N - 1, K - 1, INFINITY, 0);
  x[3 * (size_t)K + 5] = __float2bfloat16(NAN);
  scales.put(c.scales);
  dx.put(x);
  gemv(out.p, dx.p, codes.p, scales.p, c, nullptr, 8, K, N, false, 0);
  LAUNCHED();
  const std::vector<float> after = out.get();
  bool good = true;
  for (int i = 0; i < 8 * N; i++)
    good = good && (i / N == 3 || i % N == N / 2 ? isnan(after[i]) : i % N == N - 1 ? !isfinite(after[i]) : after[i] == before[i]);
  expect(good, "gemv int: special values", bits, 0);
}

static void check_permuted(int M, int K) {
  std::vector<bf16> x = random_bf16((size_t)M * (K + 8), 1);
  std::vector<int> order(K);
  for (int i = 0; i < K; i++) order[i] = i;
  std::shuffle(order.begin(), order.end(), rng);
  Dev<bf16> dx(x), out((size_t)(M + 1) * K);
  Dev<int> dorder(order);
  launch(permute_columns_bf16, dim3(1, 2), 128, 0, 0, out.p, dx.p, dorder.p, K, K, K + 8, M);
  LAUNCHED();
  const std::vector<bf16> y = out.get();
  bool good = true;
  for (int m = 0; m <= M; m++)
    for (int k = 0; k < K; k++)
      good = good && (m == M ? untouched(y[(size_t)m * K + k]) : (float)y[(size_t)m * K + k] == (float)x[(size_t)m * (K + 8) + order[k]]);
  expect(good, "permute columns", K, 0);
}

static void bench() {
  const struct {
    const char* name;
    int N, K;
  } shapes[] = {{"qkv", 6144, 4096}, {"o", 4096, 4096}, {"gate_up", 25600, 4096}, {"down", 4096, 12800}};
  Dev<bf16> x(16 * 12800), out(16 * 25600), dense((size_t)25600 * 4096);
  launch(fill_bf16, 64, 256, 0, 0, x.p, (long)x.n, 8ul, 1.f);
  LAUNCHED();
  printf("%-4s %-8s %8s: us (percent of bound) with M = 1 2 4 8 16; us of making bf16 of it\n", "", "", "bound us");
  for (int bits : {4, 8})
    for (const auto& s : shapes) {
      const int copies = 12;
      IntPool pool(s.N, s.K, bits, 128, copies);
      IntCase c(16, 64, bits, 64, 0);
      c.N = s.N, c.K = s.K, c.groups = s.K / 128, c.groupSteps = 1u << 31;
      const double bound = (double)(pool.codeBytes + pool.scaleBytes) / 4.5e6;
      printf("int%d %-8s %8.1f:", bits, s.name, bound);
      for (int M : {1, 2, 4, 8, 16}) {
        const double us = time_us(copies, [&](int i, cudaStream_t st) {
          gemv(out.p, x.p, pool.codes.p + i * pool.codeBytes, pool.scales.p + i * pool.scaleBytes, c, nullptr, M, s.K, s.N, M > 8, st);
        });
        printf(" %7.2f (%3.0f%%)", us, 100 * bound / us);
      }
      const double us = time_us(copies, [&](int i, cudaStream_t st) {
        launch(bits == 4 ? dequantize_w4 : dequantize_w8, dim3(ceil_div(s.K, 512), s.N / 16), 256, 0, st, dense.p,
               pool.codes.p + i * pool.codeBytes, pool.scales.p + i * pool.scaleBytes, s.N, s.K, 0, c.groups, c.groupSteps, 1, 0, s.N);
      });
      printf(" %7.2f (%3.0f GB/s)\n", us, (pool.codeBytes + pool.scaleBytes + 2. * s.N * s.K) / us / 1e3);
    }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  using namespace ints;
  check_special(37, 328, 4);
  check_special(37, 328, 8);
  check_permuted(3, 264);
  check(1, 8, 4, 16, 0, false);
  check(37, 72, 4, 16, WIDE, true);
  check(70, 648, 4, 128, HALF, false);
  check(70, 264, 8, 64, OFFSETS, true);
  check(45, 200, 8, 32, WIDE | OFFSETS, false);
  check(130, 136, 8, 1 << 20, WIDE, true);
  if (!strcmp(mode, "small")) return summary();
  check(131, 72, 4, 48, WIDE | OFFSETS, true);
  check(1000, 520, 4, 64, 0, true);
  check(300, 2048, 4, 128, OFFSETS | HALF, false);
  check(6144, 1024, 4, 192, 0, true);
  check(40, 12808, 4, 128, 0, true);
  check(45, 4096, 8, 128, HALF, false);
  check(2200, 264, 8, 96, WIDE, true);
  return summary();
}
