// Products with 8-bit weights against a double reference: few rows, tiles, scales of library sums; special values, independence
// of the rows.
#include "launch.cuh"
#include "../../main/cuda/gemm_codes.cu"
#include "../../main/cuda/gemv_codes.cu"
#include "../../main/cuda/quantize.cu"
#include "../../main/cuda/scale_sums.cu"

static const int RING = 98304;

static std::vector<unsigned char> random_codes(size_t n, bool e4m3) {
  std::uniform_int_distribution<int> any(0, 255);
  std::normal_distribution<float> d(0, 30);
  std::vector<unsigned char> v(n);
  for (auto& c : v) c = e4m3 ? (unsigned char)e4m3_nearest(d(rng)) : (unsigned char)any(rng);
  return v;
}

static std::vector<float> random_scales(size_t n) {
  std::uniform_real_distribution<float> d(0.002f, 0.02f);
  std::vector<float> v(n);
  for (auto& s : v) s = d(rng);
  return v;
}

enum Form { E4M3, BF16, INT8 };

// One product on the device and in double.
struct Case {
  Form form;
  bool grouped;
  int N, K, M, xStride, outStride, wsRows, wsStride, xsStride;
  Dev<unsigned char> x, w;
  Dev<float> ws, xs, bias;
  Dev<int> zeros, sums;
  std::vector<double> want;

  static std::vector<unsigned char> rows_of_x(Form form, int M, int xStride) {
    if (form != BF16) return random_codes((size_t)M * xStride, form == E4M3);
    const std::vector<bf16> v = random_bf16((size_t)M * xStride, 1);
    std::vector<unsigned char> bytes(v.size() * 2);
    memcpy(bytes.data(), v.data(), bytes.size());
    return bytes;
  }

  // scaleRows 1 or 128: rows of w that share scales, of groups only.
  Case(Form form, bool grouped, int N, int K, int M, int scaleRows, bool xGroups)
      : form(form), grouped(grouped), N(N), K(K), M(M), xStride(K + 16), outStride(N + 5), wsRows(scaleRows),
        wsStride((ceil_div(K, 128) + 3) / 4 * 4), xsStride(xGroups ? M + 3 : 0), x(rows_of_x(form, M, xStride)),
        w(random_codes((size_t)N * K, form != INT8)),
        ws(random_scales(grouped ? (size_t)ceil_div(N, scaleRows) * wsStride : N)),
        xs(random_scales(xGroups ? (size_t)ceil_div(K, 128) * xsStride : M)), bias(random_f32(N, 1)), zeros((size_t)M), sums((size_t)N) {
    const std::vector<unsigned char> hx = x.get(), hw = w.get();
    const std::vector<float> hws = ws.get(), hxs = xs.get(), hb = bias.get();
    std::vector<int> hz(M), hs(N);
    for (int m = 0; m < M; m++) hz[m] = m * 37 % 256 - 128;
    std::vector<double> wv((size_t)N * K), xv((size_t)M * K);
    for (size_t i = 0; i < wv.size(); i++) {
      wv[i] = form == INT8 ? (signed char)hw[i] : e4m3_value(hw[i]);
      hs[i / K] = (i % K ? hs[i / K] : 0) + (int)wv[i];
    }
    for (int m = 0; m < M; m++)
      for (int k = 0; k < K; k++) {
        const size_t at = (size_t)m * xStride + k;
        bf16 half;
        if (form == BF16) memcpy(&half, hx.data() + 2 * at, 2);
        xv[(size_t)m * K + k] = form == BF16 ? (double)__bfloat162float(half) : form == INT8 ? (signed char)hx[at] - hz[m] : e4m3_value(hx[at]);
      }
    zeros.put(hz);
    if (form == INT8) sums.put(hs);
    want.resize((size_t)M * N);
    for (int m = 0; m < M; m++)
      for (int n = 0; n < N; n++) {
        double y = hb[n];
        for (int k = 0; k < K; k++) {
          const double sw = grouped ? hws[(size_t)(n / wsRows) * wsStride + k / 128] : hws[n];
          const double sx = form == BF16 ? 1 : xGroups ? hxs[(size_t)(k / 128) * xsStride + m] : hxs[m];
          y += sw * sx * xv[(size_t)m * K + k] * wv[(size_t)n * K + k];
        }
        want[(size_t)m * N + n] = y;
      }
  }

  template <typename OUT>
  void run_e4m3(void (*kernel)(OUT*, const void*, const unsigned char*, const float*, const float*, const float*, int, int, int, int, int, int, int, int),
                OUT* out, int grid, int block, int rows, cudaStream_t s = 0) {
    launch(kernel, grid, block, RING, s, out, x.p, w.p, ws.p, form == BF16 ? nullptr : xs.p, bias.p, N, K, rows, xStride, outStride, wsRows,
           wsStride, xsStride);
  }
  template <typename OUT>
  void run_int8(void (*kernel)(OUT*, const void*, const unsigned char*, const float*, const float*, const int*, const int*, const float*, int, int, int, int, int),
                OUT* out, int grid, int block, int rows, cudaStream_t s = 0) {
    launch(kernel, grid, block, RING, s, out, x.p, w.p, ws.p, xs.p, zeros.p, sums.p, bias.p, N, K, rows, xStride, outStride);
  }

  template <typename OUT>
  void gemv(OUT* out, int rows, int grid = 132) {
    constexpr bool half = sizeof(OUT) == 2;
    if constexpr (half) {
      if (form == INT8) return run_int8(gemv_int8, out, grid, 128, rows);
      run_e4m3(form == E4M3 ? grouped ? gemv_e4m3_groups : gemv_e4m3 : grouped ? gemv_e4m3_bf16_groups : gemv_e4m3_bf16, out, grid, 128, rows);
    } else {
      if (form == INT8) return run_int8(gemv_int8_f32out, out, grid, 128, rows);
      run_e4m3(form == E4M3 ? grouped ? gemv_e4m3_groups_f32out : gemv_e4m3_f32out
                            : grouped ? gemv_e4m3_bf16_groups_f32out : gemv_e4m3_bf16_f32out, out, grid, 128, rows);
    }
  }

  // tile 16, 64 or 128
  void gemm(float* out, int rows, int tile) {
    const int grid = ceil_div(rows, tile) * ceil_div(N, tile == 16 ? 32 : tile), block = tile == 128 ? 256 : 128;
    if (form == INT8) return run_int8(tile == 16 ? gemm_int8_m16_f32out : tile == 64 ? gemm_int8_m64_f32out : gemm_int8_f32out, out, grid, block, rows);
#define TILES(NAME) (tile == 16 ? NAME##_m16_f32out : tile == 64 ? NAME##_m64_f32out : NAME##_f32out)
    run_e4m3(form == E4M3 ? grouped ? TILES(gemm_e4m3_groups) : TILES(gemm_e4m3)
                          : grouped ? TILES(gemm_e4m3_bf16_groups) : TILES(gemm_e4m3_bf16), out, grid, block, rows);
#undef TILES
  }

  void check(const std::vector<float>& got, int rows, const char* what, double limit) const {
    std::vector<double> mine((size_t)rows * N);
    bool clean = true;
    for (size_t i = 0; i < got.size(); i++) {
      const size_t m = i / outStride, n = i % outStride;
      if (m < (size_t)rows && n < (size_t)N) mine[m * N + n] = got[i];
      else clean = clean && untouched(got[i]);
    }
    char text[160];
    snprintf(text, sizeof text, "%s form %d grouped %d N=%d K=%d M=%d", what, form, grouped, N, K, rows);
    const double e = relative_error(mine, {want.begin(), want.begin() + mine.size()});
    expect(e < limit, text, e, limit);
    expect(clean, text, 0, 1);
  }
};

static void check(Form form, bool grouped, int N, int K, int M, int scaleRows = 1, bool xGroups = false) {
  Case c(form, grouped, N, K, M, scaleRows, xGroups);
  Dev<float> out((size_t)(M + 1) * c.outStride);
  std::vector<float> first;
  for (int rows : {M, std::min(M, 8), 1}) {
    std::vector<float> bits;
    for (int tile : {16, 64, 128}) {
      out.poison();
      c.gemm(out.p, rows, tile);
      LAUNCHED();
      const std::vector<float> got = out.get();
      c.check(got, rows, "tiles", 1e-5);
      if (bits.empty()) bits = got;
      expect(same_bits(bits, got), "tiles of different heights differ in bits", tile, 0);
    }
    bits.resize((size_t)c.N);
    if (first.empty()) first = bits;
    expect(same_bits(first, bits), "a row's bits change with M", rows, 0);
  }
  std::vector<float> one;
  for (int rows = std::min(M, 8); rows >= 1; rows -= 3)
    for (int grid : {132, 3}) {
      out.poison();
      c.gemv(out.p, rows, grid);
      LAUNCHED();
      std::vector<float> got = out.get();
      c.check(got, rows, "few rows", 1e-5);
      got.resize((size_t)c.N);
      if (one.empty()) one = got;
      expect(same_bits(one, got), "few rows: a row's bits change with M or the grid", rows, 0);
    }
  const int rows = std::min(M, 3);
  Dev<bf16> halves((size_t)(rows + 1) * c.outStride);
  c.gemv(halves.p, rows);
  LAUNCHED();
  const std::vector<bf16> h = halves.get();
  double worst = 0;
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < N; n++) {
      const double want = c.want[(size_t)m * N + n];
      worst = std::max(worst, fabs(__bfloat162float(h[(size_t)m * c.outStride + n]) - want) / (fabs(want) + 1));
    }
  expect(worst < 5e-3, "few rows in bf16", worst, 5e-3);
}

// A NaN scale spoils its own row (its own group's row) only; rows of zeros give the bias.
static void check_special(Form form, bool grouped) {
  const int N = 70, K = 272, M = 6;
  Case c(form, grouped, N, K, M, 1, grouped);
  std::vector<float> xs = c.xs.get();
  xs[2] = NAN;
  c.xs.put(xs);
  std::vector<unsigned char> x = c.x.get();
  std::vector<int> zeros(M, 0);
  c.zeros.put(zeros);
  std::fill(x.begin() + (size_t)4 * c.xStride, x.begin() + (size_t)5 * c.xStride, 0);
  c.x.put(x);
  const std::vector<float> bias = c.bias.get();
  Dev<float> out((size_t)(M + 1) * c.outStride);
  for (int tile : {0, 16, 64, 128}) {
    out.poison();
    if (tile == 0) c.gemv(out.p, M);
    else c.gemm(out.p, M, tile);
    LAUNCHED();
    const std::vector<float> got = out.get();
    bool good = true;
    for (int m = 0; m < M; m++)
      for (int n = 0; n < N; n++) {
        const float v = got[(size_t)m * c.outStride + n];
        good = good && (m == 2 ? isnan(v) : m == 4 ? v == bias[n] : !isnan(v));
      }
    expect(good, "special values", tile, form);
  }
}

// All 256 codes, as the tensor cores and as the arithmetic read them.
static void check_codes() {
  const int N = 256, K = 16;
  std::vector<unsigned char> w((size_t)N * K, 0), x(2 * K, 0);
  for (int c = 0; c < N; c++) w[(size_t)c * K + c % K] = (unsigned char)c;
  Dev<unsigned char> dw(w), codes(std::vector<unsigned char>(K, 0x38));
  bf16 ones[16];
  for (auto& v : ones) v = __float2bfloat16(1.f);
  memcpy(x.data(), ones, 2 * K);
  Dev<unsigned char> halves(x);
  Dev<float> scale(std::vector<float>(N, 1.f)), out(N), outBf16(N);
  launch(gemv_e4m3_f32out, 4, 128, RING, 0, out.p, codes.p, dw.p, scale.p, scale.p, (const float*)nullptr, N, K, 1, K, N, 1, 1, 0);
  launch(gemv_e4m3_bf16_f32out, 4, 128, RING, 0, outBf16.p, halves.p, dw.p, scale.p, (const float*)nullptr, (const float*)nullptr, N, K, 1, K, N, 1, 1, 0);
  LAUNCHED();
  const std::vector<float> a = out.get(), b = outBf16.get();
  bool good = true;
  for (int c = 0; c < N; c++) {
    const double want = e4m3_value(c);
    good = good && (isnan(want) ? isnan(a[c]) && fabs(b[c]) == 480 : a[c] == want && b[c] == want);
  }
  expect(good, "codes", 0, 0);
}

template <typename SUM>
static void check_sums(int M, int N, int outStride) {
  Case c(sizeof(SUM) == 4 && std::is_same<SUM, int>::value ? INT8 : E4M3, false, N, 32, M, 1, false);
  c.outStride = outStride;
  const std::vector<unsigned char> x = c.x.get(), w = c.w.get();
  std::vector<SUM> sums((size_t)M * N);
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      double sum = 0;
      for (int k = 0; k < c.K; k++) {
        const int a = x[(size_t)m * c.xStride + k], b = w[(size_t)n * c.K + k];
        sum += c.form == INT8 ? (signed char)a * (signed char)b : e4m3_value(a) * e4m3_value(b);
      }
      sums[(size_t)m * N + n] = (SUM)sum;
    }
  Dev<SUM> ds(sums);
  Dev<float> out((size_t)(M + 1) * outStride);
  Dev<bf16> half((size_t)(M + 1) * outStride);
  const dim3 grid(ceil_div(N, 512), std::min(M, 3));
  const int *zeros = c.form == INT8 ? c.zeros.p : nullptr, *wSums = c.form == INT8 ? c.sums.p : nullptr;
  if constexpr (std::is_same<SUM, int>::value) {
    launch(scale_sums_s32_f32out, grid, 128, 0, 0, out.p, ds.p, c.ws.p, c.xs.p, zeros, wSums, c.bias.p, N, M, outStride);
    launch(scale_sums_s32, grid, 128, 0, 0, half.p, ds.p, c.ws.p, c.xs.p, zeros, wSums, c.bias.p, N, M, outStride);
  } else {
    launch(scale_sums_f32_f32out, grid, 128, 0, 0, out.p, ds.p, c.ws.p, c.xs.p, zeros, wSums, c.bias.p, N, M, outStride);
    launch(scale_sums_f32, grid, 128, 0, 0, half.p, ds.p, c.ws.p, c.xs.p, zeros, wSums, c.bias.p, N, M, outStride);
  }
  LAUNCHED();
  const std::vector<float> got = out.get();
  c.check(got, M, "scaled sums", 1e-6);
  const std::vector<bf16> h = half.get();
  bool good = true;
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      const bf16 want = __float2bfloat16(got[(size_t)m * outStride + n]);
      good = good && !memcmp(&h[(size_t)m * outStride + n], &want, 2);
    }
  expect(good, "scaled sums in bf16", M, N);
}

// Granite 3 8B: what a product costs with one to eight rows, and in tiles.
static void bench() {
  struct Shape {
    const char* name;
    int N, K;
  };
  const Shape shapes[] = {{"qkv", 6144, 4096}, {"o", 4096, 4096}, {"gate_up", 25600, 4096}, {"down", 4096, 12800}};
  const long poolSize = 4L << 30;
  Dev<unsigned char> pool(poolSize), x((size_t)4096 * 2 * 12800);
  CUDA(cudaMemset(pool.p, 0x31, poolSize));
  CUDA(cudaMemset(x.p, 0x31, x.n));
  Dev<float> scales((size_t)25600 * 128);
  CUDA(cudaMemset(scales.p, 0, scales.n * 4));
  Dev<bf16> out((size_t)4096 * 25600);
  const int* none = nullptr;
  const float* noBias = nullptr;
  printf("%-8s %-12s %10s: us (GB/s) with M = 1 2 4 8; us (TFLOP/s) of tiles with 16, 64, 512, 4096\n", "", "", "bound us");
  for (const Shape& s : shapes) {
    const long size = (long)s.N * s.K;
    const int copies = (int)std::min<long>(24, poolSize / size);
    for (int kind = 0; kind < 4; kind++) {
      const char* names[] = {"e4m3", "e4m3 128", "e4m3 x bf16", "int8"};
      printf("%-8s %-12s %10.1f:", s.name, names[kind], size / 4.5e6);
      auto run = [&](int M, int tile, int i, cudaStream_t st) {
        const unsigned char* w = pool.p + i % copies * size;
        const int grid = tile == 0 ? 132 : ceil_div(M, tile) * ceil_div(s.N, tile == 16 ? 32 : tile), block = tile == 128 ? 256 : 128;
        if (kind == 3) {
          launch(tile == 0 ? gemv_int8 : tile == 16 ? gemm_int8_m16 : tile == 64 ? gemm_int8_m64 : gemm_int8, grid, block, RING, st, out.p, x.p,
                 w, scales.p, scales.p, none, none, noBias, s.N, s.K, M, s.K, s.N);
        } else {
#define KIND(NAME) (tile == 0 ? gemv_##NAME : tile == 16 ? gemm_##NAME##_m16 : tile == 64 ? gemm_##NAME##_m64 : gemm_##NAME)
          launch(kind == 0 ? KIND(e4m3) : kind == 1 ? KIND(e4m3_groups) : KIND(e4m3_bf16), grid, block, RING, st, out.p, x.p, w, scales.p,
                 kind == 2 ? noBias : scales.p, noBias, s.N, s.K, M, s.K, s.N, 128, s.K / 128, kind == 1 ? 4096 : 0);
#undef KIND
        }
      };
      for (int M : {1, 2, 4, 8}) {
        const double us = time_us(copies, [&](int i, cudaStream_t st) { run(M, 0, i, st); });
        printf(" %7.2f (%4.0f)", us, size / us / 1e3);
      }
      printf(";");
      for (int M : {16, 64, 512, 4096}) {
        const double us = time_us(4, [&](int i, cudaStream_t st) { run(M, M == 16 ? 16 : M == 64 ? 64 : 128, i, st); });
        printf(" %7.1f (%4.0f)", us, 2. * size * M / us / 1e6);
      }
      printf("\n");
    }
  }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  const bool small = !strcmp(mode, "small");
  check_codes();
  for (Form form : {E4M3, BF16, INT8}) {
    if (form != BF16) check_special(form, false);
    check(form, false, 37, 16, 3);
    check(form, false, small ? 150 : 1000, 272, 17);
    check(form, false, 131, small ? 1040 : 4112, small ? 9 : 70);
    if (!small) check(form, false, 300, 14336, 130);
    if (form == INT8) continue;
    check(form, true, 37, 48, 3);
    check(form, true, 150, 400, 17, 128, form == E4M3);
    check(form, true, 140, small ? 1040 : 4112, small ? 9 : 140, 1, false);
    if (!small) check(form, true, 600, 4096, 200, 128, form == E4M3);
  }
  check_special(E4M3, true);
  check_sums<int>(5, 36, 40);
  check_sums<int>(4, 37, 41);
  check_sums<float>(5, 700, 700);
  check_sums<float>(1, 3, 9);
  return summary();
}
