// The batch-invariant product against a double reference, and its promise: a row's bits depend on nothing but the row.
#include "launch.cuh"
#include "../../main/cuda/embedding.cu"
#include "../../main/cuda/gemm_invariant.cu"

typedef void (*KernelBf16)(bf16*, const bf16*, const bf16*, const float*, int, int, int, int, int);
typedef void (*KernelF32)(float*, const bf16*, const bf16*, const float*, int, int, int, int, int);

struct Tile {
  int m, n;
  KernelBf16 bf;
  KernelF32 f;
};
static const Tile tiles[] = {{16, 32, gemm_invariant_bf16_m16, gemm_invariant_bf16_m16_f32out},
                             {64, 64, gemm_invariant_bf16_m64, gemm_invariant_bf16_m64_f32out},
                             {128, 128, gemm_invariant_bf16, gemm_invariant_bf16_f32out}};

template <typename K, typename OUT>
static void run(K kernel, const Tile& t, OUT* out, const bf16* x, const bf16* w, const float* bias, int M, int N, int depth,
                int xStride, int outStride, cudaStream_t s = 0) {
  launch(kernel, ceil_div(M, t.m) * ceil_div(N, t.n), 128, 98304, s, out, x, w, bias, M, N, depth, xStride, outStride);
}

static void check(int M, int N, int K, bool withBias) {
  const int xStride = K + 8, outStride = N + 3;
  std::vector<bf16> x = random_bf16((size_t)M * xStride, 1), w = random_bf16((size_t)N * K, 0.05f);
  std::vector<float> bias = withBias ? random_f32(N, 1) : std::vector<float>();
  Dev<bf16> dx(x), dw(w), out((size_t)M * outStride);
  Dev<float> db(bias), outF((size_t)M * outStride);
  const float* b = withBias ? db.p : nullptr;
  std::vector<double> want((size_t)M * N), got((size_t)M * N);
  std::vector<float> wf(w.size()), first;
  for (size_t i = 0; i < w.size(); i++) wf[i] = (float)w[i];
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      double sum = withBias ? bias[n] : 0.;
      for (int k = 0; k < K; k++) sum += (double)(float)x[(size_t)m * xStride + k] * wf[(size_t)n * K + k];
      want[(size_t)m * N + n] = sum;
    }
  char what[100];
  for (const Tile& t : tiles) {
    outF.poison();
    out.poison();
    run(t.f, t, outF.p, dx.p, dw.p, b, M, N, K, xStride, outStride);
    run(t.bf, t, out.p, dx.p, dw.p, b, M, N, K, xStride, outStride);
    LAUNCHED();
    const std::vector<float> y = outF.get();
    const std::vector<bf16> z = out.get();
    bool clean = true, same = true;
    for (size_t i = 0; i < y.size(); i++) {
      const int m = (int)(i / outStride), n = (int)(i % outStride);
      if (n >= N) clean = clean && untouched(y[i]) && untouched(z[i]);
      else got[(size_t)m * N + n] = y[i], same = same && same_bits<bf16>({z[i]}, {__float2bfloat16(y[i])});
    }
    snprintf(what, sizeof what, "invariant tile=%d M=%d N=%d K=%d", t.m, M, N, K);
    expect(clean, what, 0, 1);
    expect(same, "invariant: bf16 output is not the rounded f32", t.m, 0);
    expect(relative_error(got, want) < 1e-5, what, relative_error(got, want), 1e-5);
    if (first.empty()) first = y;
    expect(same_bits(first, y), "invariant: tiles differ", t.m, 0);
    // Alone and from another place of a batch: the same bits.
    Dev<float> one(N);
    for (int m : {0, M / 2, M - 1}) {
      run(t.f, t, one.p, dx.p + (size_t)m * xStride, dw.p, b, 1, N, K, xStride, N);
      LAUNCHED();
      const auto p = y.begin() + (size_t)m * outStride;
      expect(same_bits(one.get(), std::vector<float>(p, p + N)), "invariant: a row alone differs", m, 0);
    }
  }
}

// NaN and infinity stay in their row of x and of w.
static void check_special(int M, int N, int K) {
  std::vector<bf16> x = random_bf16((size_t)M * K, 1), w = random_bf16((size_t)N * K, 0.05f), badX = x, badW = w;
  badX[(size_t)(M / 2) * K + K / 2] = __float2bfloat16(NAN);
  badX[(size_t)(M - 1) * K] = __float2bfloat16(INFINITY);
  badW[(size_t)(N / 2) * K + K - 1] = __float2bfloat16(NAN);
  Dev<bf16> dx(x), dw(w), bx(badX), bw(badW);
  Dev<float> a((size_t)M * N), b((size_t)M * N);
  for (const Tile& t : tiles) {
    run(t.f, t, a.p, dx.p, dw.p, nullptr, M, N, K, K, N);
    run(t.f, t, b.p, bx.p, bw.p, nullptr, M, N, K, K, N);
    LAUNCHED();
    const std::vector<float> u = a.get(), v = b.get();
    bool good = true;
    for (int i = 0; i < M * N; i++) {
      const int m = i / N, n = i % N;
      good = good && (m == M / 2 || n == N / 2 ? isnan(v[i]) : m == M - 1 ? !isfinite(v[i]) : u[i] == v[i]);
    }
    expect(good, "invariant: special values", t.m, 0);
  }
}

static void bench() {
  const long poolSize = 1L << 28;
  Dev<bf16> pool(poolSize), x(8192L * 14336), out(8192L * 8192);
  launch(fill_bf16, 2112, 256, 0, 0, pool.p, poolSize, 7ul, 0.02f);
  launch(fill_bf16, 2112, 256, 0, 0, x.p, (long)x.n, 8ul, 1.f);
  LAUNCHED();
  struct Size {
    int M, N, K;
  };
  for (const Size& s : {Size{4096, 4096, 4096}, Size{8192, 8192, 8192}, Size{512, 4096, 4096}}) {
    const Tile& t = tiles[2];
    const int n = 4;
    const double us = time_us(n, [&](int, cudaStream_t st) { run(t.bf, t, out.p, x.p, pool.p, nullptr, s.M, s.N, s.K, s.K, s.N, st); });
    printf("%5d %5d %5d tile %3d: %8.1f us, %.0f TFLOP/s\n", s.M, s.N, s.K, t.m, us, 2e-6 * s.M * s.N * s.K / us);
  }
  for (const Size& s : {Size{1, 6144, 4096}, Size{1, 4096, 4096}, Size{1, 28672, 4096}, Size{1, 4096, 14336}, Size{16, 28672, 4096},
                        Size{16, 4096, 14336}, Size{64, 28672, 4096}, Size{64, 4096, 14336}, Size{128, 4096, 14336}}) {
    const long size = (long)s.N * s.K;
    const int copies = (int)std::min<long>(16, poolSize / size);
    printf("%5d %5d %5d:", s.M, s.N, s.K);
    for (const Tile& t : tiles) {
      const double us = time_us(copies, [&](int i, cudaStream_t st) {
        run(t.bf, t, out.p, x.p, pool.p + i % copies * size, nullptr, s.M, s.N, s.K, s.K, s.N, st);
      });
      printf("  tile %d %.1f us (%.0f GB/s)", t.m, us, 2e-3 * size / us);
    }
    printf("\n");
  }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  if (!strcmp(mode, "small")) {
    check_special(5, 33, 72);
    check(17, 70, 200, true);
    return summary();
  }
  check_special(3, 5, 8);
  check_special(150, 140, 264);
  check(1, 1, 8, false);
  check(1, 4096, 264, true);
  check(17, 33, 72, true);
  check(129, 131, 520, false);
  check(300, 257, 1000, true);
  check(65, 64, 4096, false);
  return summary();
}
