// Matrix-vector products against a double reference, independence of the rows, and their place in a decode step.
#include "launch.cuh"
#include "../../main/cuda/activation.cu"
#include "../../main/cuda/embedding.cu"
#include "../../main/cuda/gemv.cu"
#include "../../main/cuda/norm.cu"
#include "../../main/cuda/rope.cu"

static const int RING = 98304;

template <typename OUT>
static void gemv1(OUT* out, const bf16* x, const bf16* w, const float* bias, int N, int K, cudaStream_t s, int grid = 132) {
  const size_t shared = RING + (K > 16384 ? 2 * (size_t)ceil_div(K, 2048) * 2048 : 0);
  if constexpr (sizeof(OUT) == 2) {
    launch(gemv_bf16_m1, grid, 256, shared, s, out, x, w, bias, N, K);
  } else {
    launch(gemv_bf16_m1_f32out, grid, 256, shared, s, out, x, w, bias, N, K);
  }
}

template <typename OUT>
static void gemv8(OUT* out, const bf16* x, const bf16* w, const float* bias, int N, int K, int M, int xStride, int outStride,
                  cudaStream_t s, int grid = 132) {
  if constexpr (sizeof(OUT) == 2) {
    launch(gemv_bf16_m8, grid, 128, RING, s, out, x, w, bias, N, K, M, xStride, outStride);
  } else {
    launch(gemv_bf16_m8_f32out, grid, 128, RING, s, out, x, w, bias, N, K, M, xStride, outStride);
  }
}

static std::vector<double> reference(const std::vector<bf16>& x, const std::vector<bf16>& w, const std::vector<float>& bias,
                                     int N, int K, int M, int xStride) {
  std::vector<float> wf(w.size());
  for (size_t i = 0; i < w.size(); i++) wf[i] = __bfloat162float(w[i]);
  std::vector<double> y((size_t)M * N);
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      double sum = bias.empty() ? 0. : bias[n];
      for (int k = 0; k < K; k++) sum += (double)__bfloat162float(x[(size_t)m * xStride + k]) * wf[(size_t)n * K + k];
      y[(size_t)m * N + n] = sum;
    }
  return y;
}

template <typename OUT>
static std::vector<double> doubles(const std::vector<OUT>& v, int M, int N, int stride, const char* what) {
  std::vector<double> y((size_t)M * N);
  bool clean = true;
  for (size_t i = 0; i < v.size(); i++) {
    const int m = (int)(i / stride), n = (int)(i % stride);
    if (m < M && n < N) y[(size_t)m * N + n] = (double)(float)v[i];
    else clean = clean && untouched(v[i]);
  }
  expect(clean, what, 0, 1);
  return y;
}

static void check(int N, int K, bool withBias) {
  const int xStride = K + 8, outStride = N + 5;
  std::vector<bf16> x = random_bf16(8 * (size_t)xStride, 1), w = random_bf16((size_t)N * K, 0.05f);
  std::vector<float> bias = withBias ? random_f32(N, 1) : std::vector<float>();
  Dev<bf16> dx(x), dw(w), out((size_t)9 * outStride);
  Dev<float> dbias(bias), outF((size_t)9 * outStride);
  const float* b = withBias ? dbias.p : nullptr;
  const std::vector<double> want = reference(x, w, bias, N, K, 8, xStride);
  char what[120];
  std::vector<std::vector<float>> rows(8);
  for (int M = 8; M >= 1; M--)
    for (int grid : {132, 3}) {
      outF.poison();
      gemv8(outF.p, dx.p, dw.p, b, N, K, M, xStride, outStride, 0, grid);
      LAUNCHED();
      snprintf(what, sizeof what, "gemv m8 N=%d K=%d M=%d grid=%d", N, K, M, grid);
      const std::vector<float> got = outF.get();
      const double e = relative_error(doubles(got, M, N, outStride, what), {want.begin(), want.begin() + (size_t)M * N});
      expect(e < 1e-5, what, e, 1e-5);
      for (int m = 0; m < M; m++) {
        std::vector<float> row(got.begin() + (size_t)m * outStride, got.begin() + (size_t)m * outStride + N);
        if (rows[m].empty()) rows[m] = row;
        expect(same_bits(row, rows[m]), "gemv m8: a row's bits change with M or the grid", m, 0);
      }
    }
  gemv8(out.p, dx.p, dw.p, b, N, K, 5, xStride, outStride, 0);
  LAUNCHED();
  double e = relative_error(doubles(out.get(), 5, N, outStride, what), {want.begin(), want.begin() + (size_t)5 * N});
  expect(e < 4e-3, "gemv m8 bf16", e, 4e-3);
  const std::vector<double> one(want.begin(), want.begin() + N);
  for (int grid : {132, 3}) {
    snprintf(what, sizeof what, "gemv m1 N=%d K=%d grid=%d", N, K, grid);
    out.poison();
    outF.poison();
    gemv1(out.p, dx.p, dw.p, b, N, K, 0, grid);
    gemv1(outF.p, dx.p, dw.p, b, N, K, 0, grid);
    LAUNCHED();
    e = relative_error(doubles(outF.get(), 1, N, outStride, what), one);
    expect(e < 1e-5, what, e, 1e-5);
    e = relative_error(doubles(out.get(), 1, N, outStride, what), one);
    expect(e < 4e-3, what, e, 4e-3);
  }
}

// NaN and infinity stay in their own row of x and of w.
static void check_special(int N, int K) {
  std::vector<bf16> x = random_bf16(8 * (size_t)K, 1), w = random_bf16((size_t)N * K, 0.05f);
  Dev<bf16> dx(x), dw(w);
  Dev<float> out((size_t)8 * N), out1(N);
  gemv8(out.p, dx.p, dw.p, nullptr, N, K, 8, K, N, 0);
  gemv1(out1.p, dx.p, dw.p, nullptr, N, K, 0);
  LAUNCHED();
  const std::vector<float> before = out.get(), before1 = out1.get();
  std::vector<bf16> bad = w;
  bad[(size_t)(N / 2) * K + K / 3] = __float2bfloat16(NAN);
  bad[(size_t)(N - 1) * K + K - 1] = __float2bfloat16(INFINITY);
  dw.put(bad);
  gemv8(out.p, dx.p, dw.p, nullptr, N, K, 8, K, N, 0);
  gemv1(out1.p, dx.p, dw.p, nullptr, N, K, 0);
  LAUNCHED();
  std::vector<float> after = out.get(), after1 = out1.get();
  bool good = true;
  for (int i = 0; i < 9 * N; i++) {
    const float a = i < 8 * N ? after[i] : after1[i - 8 * N], b = i < 8 * N ? before[i] : before1[i - 8 * N];
    if (i % N == N / 2) good = good && isnan(a);
    else if (i % N == N - 1) good = good && isinf(a);
    else good = good && a == b;
  }
  expect(good, "gemv: special values of w", 0, 1);
  dw.put(w);
  bad = x;
  bad[3 * (size_t)K + K / 2] = __float2bfloat16(NAN);
  bad[6 * (size_t)K] = __float2bfloat16(-INFINITY);
  bad[0] = __float2bfloat16(NAN);
  dx.put(bad);
  gemv8(out.p, dx.p, dw.p, nullptr, N, K, 8, K, N, 0);
  gemv1(out1.p, dx.p, dw.p, nullptr, N, K, 0);
  LAUNCHED();
  after = out.get();
  after1 = out1.get();
  good = true;
  for (int i = 0; i < 8 * N; i++) {
    const int m = i / N;
    good = good && (m == 3 || m == 0 ? isnan(after[i]) : m == 6 ? isinf(after[i]) : after[i] == before[i]);
  }
  for (float v : after1) good = good && isnan(v);
  expect(good, "gemv: special values of x", 0, 1);
}

struct Shape {
  const char* name;
  int N, K;
};

// Llama-8B's decode step at one row without attention: what a token costs at least.
static void bench_step(const bf16* pool, bool gemvs, bool others, const char* name) {
  const int H = 4096, F = 14336, layers = 32;
  Dev<float> residual(H), weight(H), cosSin(128 * 64), logits(128256);
  Dev<bf16> a(65536), b(65536), cache(1 << 20);
  Dev<int> zeros(16);
  CUDA(cudaMemset(zeros.p, 0, 64));
  CUDA(cudaMemset(residual.p, 0, H * 4));
  CUDA(cudaMemset(weight.p, 0, H * 4));
  CUDA(cudaMemset(cosSin.p, 0, 128 * 64 * 4));
  CUDA(cudaMemset((void*)a.p, 0, 65536 * 2));
  CUDA(cudaMemset((void*)b.p, 0, 65536 * 2));
  const double us = time_us(1, [&](int, cudaStream_t s) {
    const bf16* w = pool;
    auto product = [&](bf16* out, const bf16* x, int N, int K) {
      if (gemvs) gemv1(out, x, w, (const float*)nullptr, N, K, s);
      w += (long)N * K;
    };
    for (int l = 0; l < layers; l++) {
      if (others) launch(add_rms_norm_bf16, 1, 512, 0, s, a.p, residual.p, b.p, 1.f, weight.p, 1e-5f, H);
      product(b.p, a.p, 6144, H);
      if (others)
        launch(rope_kv_write_bf16, dim3(6), 128, 0, s, b.p, 6144, zeros.p, zeros.p, cosSin.p, cache.p, cache.p + 65536, 32, 8,
               128, 128, 0, 16, 1);
      product(a.p, b.p, H, H);
      if (others) launch(add_rms_norm_bf16, 1, 512, 0, s, b.p, residual.p, a.p, 1.f, weight.p, 1e-5f, H);
      product(a.p, b.p, 2 * F, H);
      if (others) launch(silu_mul_bf16, dim3(14), 128, 0, s, b.p, a.p, F, 1);
      product(a.p, b.p, H, F);
      std::swap(a.p, b.p);
    }
    if (others) launch(add_rms_norm_bf16, 1, 512, 0, s, a.p, residual.p, b.p, 1.f, weight.p, 1e-5f, H);
    if (gemvs) gemv1(logits.p, a.p, w, (const float*)nullptr, 128256, H, s);
  });
  const double bytes = 2. * (32. * ((6144. + 4096 + 28672) * 4096 + 4096. * 14336) + 128256. * 4096);
  printf("%-34s %8.1f us, %.0f GB/s, %.1f%% of 4.5 TB/s\n", name, us, gemvs ? bytes / us / 1e3 : 0., gemvs ? bytes / us / 1e3 / 45 : 0.);
}

static void bench() {
  const long poolSize = 8L << 30;
  Dev<bf16> pool(poolSize), x(8 * 14336);
  launch(fill_bf16, 2112, 256, 0, 0, pool.p, poolSize, 7ul, 0.02f);
  launch(fill_bf16, 64, 256, 0, 0, x.p, (long)x.n, 8ul, 1.f);
  Dev<bf16> out(8 * 28672);
  Dev<float> logits(8 * 128256);
  LAUNCHED();
  const Shape shapes[] = {{"qkv", 6144, 4096}, {"o", 4096, 4096}, {"gate_up", 28672, 4096}, {"down", 4096, 14336}, {"lm_head", 128256, 4096}};
  printf("%-8s %10s: us (GB/s) of m1; m8 with M = 1 2 4 8\n", "", "bound us");
  for (const Shape& s : shapes) {
    const long size = (long)s.N * s.K;
    const int copies = (int)std::min<long>(24, poolSize / size), n = copies;
    printf("%-8s %10.1f:", s.name, size * 2 / 4.5e6);
    for (int M : {0, 1, 2, 4, 8}) {
      const double us = time_us(n, [&](int i, cudaStream_t st) {
        const bf16* w = pool.p + (i % copies) * size;
        const bool logit = s.N > 100000;
        if (M == 0) logit ? gemv1(logits.p, x.p, w, nullptr, s.N, s.K, st) : gemv1(out.p, x.p, w, nullptr, s.N, s.K, st);
        else if (logit) gemv8(logits.p, x.p, w, nullptr, s.N, s.K, M, s.K, s.N, st);
        else gemv8(out.p, x.p, w, nullptr, s.N, s.K, M, s.K, s.N, st);
      });
      printf(" %7.2f (%4.0f)", us, size * 2 / us / 1e3);
    }
    printf("\n");
  }
  bench_step(pool.p, true, true, "decode step");
  bench_step(pool.p, true, false, "decode step, products only");
  bench_step(pool.p, false, true, "decode step, no products");
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  const bool small = !strcmp(mode, "small");
  if (small) {
    check_special(70, 264);
    check(37, 72, true);
    check(450, 1032, false);
    return summary();
  }
  check_special(1, 8);
  check_special(301, 4096);
  check_special(500, 520);
  check(1, 8, false);
  check(17, 24, true);
  check(131, 72, true);
  check(133, 4104, false);
  check(1000, 520, true);
  check(300, 2048, false);
  check(6144, 1024, true);
  check(40, 14336, true);
  check(45, 16384, false);
  check(33, 18944, true);
  return summary();
}
