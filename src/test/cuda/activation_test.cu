// Gated activations, embedding, gathers, fills and conversions.
#include "launch.cuh"
#include "../../main/cuda/activation.cu"
#include "../../main/cuda/embedding.cu"

static double at(const std::vector<bf16>& v, size_t i) { return (double)__bfloat162float(v[i]); }

static dim3 row_grid(int width, int rows) { return dim3(ceil_div(ceil_div(width, 8), 128), std::min(rows, 65535)); }
static int flat_grid(long n) { return std::min(std::max(1, ceil_div(ceil_div(n, 8), 256)), 16 * 132); }

static void check_activation(int rows, int ffn) {
  std::vector<bf16> x = random_bf16((size_t)rows * 2 * ffn, 3);
  const size_t last = (size_t)(rows - 1) * 2 * ffn;
  x[0] = __float2bfloat16(NAN);
  x[last + ffn - 1] = __float2bfloat16(-200.f);
  x[last + 2 * ffn - 1] = __float2bfloat16(1.f);
  x[last] = __float2bfloat16(INFINITY);
  x[last + ffn] = __float2bfloat16(1.f);
  const size_t n = (size_t)rows * ffn;
  Dev<bf16> in(x), out(n + 8);
  for (int gelu = 0; gelu < 2; gelu++) {
    out.poison();
    launch(gelu ? gelu_tanh_mul_bf16 : silu_mul_bf16, row_grid(ffn, rows), 128, 0, 0, out.p, in.p, ffn, rows);
    LAUNCHED();
    const std::vector<bf16> y = out.get();
    std::vector<double> got, want;
    bool good = true;
    for (size_t i = 0; i < n; i++) {
      const size_t g = i / ffn * 2 * ffn + i % ffn;
      const double a = at(x, g), b = at(x, g + ffn);
      const double e = b * (gelu ? 0.5 * a * (1 + tanh(0.7978845608 * (a + 0.044715 * a * a * a))) : a / (1 + exp(-a)));
      if (isnan(e)) good = good && isnan(at(y, i));
      else if (isinf(e)) good = good && at(y, i) == e;
      else got.push_back(at(y, i)), want.push_back(e);
    }
    for (size_t i = n; i < n + 8; i++) good = good && untouched(y[i]);
    expect(good, "activation: special values, end", ffn, gelu);
    expect(relative_error(got, want) < 3e-3, "activation", relative_error(got, want), 3e-3);
  }
}

static void check_embed(int rows, int hidden) {
  const int vocab = 50;
  const std::vector<bf16> table = random_bf16((size_t)vocab * hidden, 1);
  std::vector<int> ids(rows), sampled = {7, 49, -1, 50, 0};
  for (int r = 0; r < rows; r++) ids[r] = r % 4 == 3 ? -1 - r % 5 : r * 13 % 53;
  Dev<bf16> t(table), picked((size_t)rows * hidden);
  Dev<float> out((size_t)rows * hidden + 8), tableF((size_t)vocab * hidden), pickedF((size_t)rows * hidden);
  Dev<int> di(ids), dl(sampled);
  launch(embed_bf16, row_grid(hidden, rows), 128, 0, 0, out.p, t.p, di.p, dl.p, 1.5f, hidden, vocab, rows);
  std::vector<float> f(table.size());
  for (size_t i = 0; i < f.size(); i++) f[i] = __bfloat162float(table[i]);
  tableF.put(f);
  std::vector<int> index(rows);
  for (int r = 0; r < rows; r++) index[r] = r * 11 % 51 - 1;
  Dev<int> dx(index);
  launch(gather_rows_bf16, row_grid(hidden, rows), 128, 0, 0, picked.p, t.p, dx.p, hidden, rows);
  launch(gather_rows_f32, row_grid(hidden, rows), 128, 0, 0, pickedF.p, tableF.p, dx.p, hidden, rows);
  LAUNCHED();
  const std::vector<float> y = out.get(), gF = pickedF.get();
  const std::vector<bf16> g = picked.get();
  bool good = true;
  for (size_t i = 0; i < (size_t)rows * hidden; i++) {
    const int r = (int)(i / hidden), c = (int)(i % hidden), id = ids[r] < 0 ? sampled[-ids[r] - 1] : ids[r];
    good = good && y[i] == (id < 0 || id >= vocab ? 0.f : f[(size_t)id * hidden + c] * 1.5f);
    const float e = index[r] < 0 ? 0.f : f[(size_t)index[r] * hidden + c];
    good = good && (float)g[i] == e && gF[i] == e;
  }
  for (size_t i = (size_t)rows * hidden; i < y.size(); i++) good = good && untouched(y[i]);
  expect(good, "embedding and gathers", rows, hidden);
}

static void check_flat(long n) {
  Dev<bf16> a(n + 17), b(n + 17), c(n + 8), d(n + 8);
  Dev<float> one(n + 8);
  launch(fill_bf16, flat_grid(n), 256, 0, 0, a.p, n, 11ul, 0.25f);
  launch(fill_bf16, 3, 256, 0, 0, b.p + 1, n, 11ul, 0.25f);
  launch(fill_f32, flat_grid(n), 256, 0, 0, one.p, n, 2.5f);
  std::vector<float> f = random_f32(n + 8, 1);
  f[0] = NAN;
  if (n > 1) f[1] = 1e38f;
  std::vector<__half> h(n + 8);
  for (size_t i = 0; i < h.size(); i++) h[i] = __float2half(f[i]);
  Dev<float> df(f);
  Dev<__half> dh(h);
  launch(convert_f32_bf16, flat_grid(n), 256, 0, 0, c.p, df.p, n);
  launch(convert_f16_bf16, flat_grid(n), 256, 0, 0, d.p, dh.p, n);
  LAUNCHED();
  const std::vector<bf16> x = a.get(), y = b.get(), u = c.get(), v = d.get();
  const std::vector<float> z = one.get();
  bool good = true;
  double sum = 0, squares = 0;
  for (long i = 0; i < n; i++) {
    good = good && same_bits<bf16>({x[i]}, {y[i + 1]}) && z[i] == 2.5f;
    auto same = [](bf16 p, float q) { return isnan(q) ? isnan((float)p) : (float)p == (float)__float2bfloat16(q); };
    good = good && same(u[i], f[i]) && same(v[i], __half2float(h[i]));
    sum += (float)x[i];
    squares += (double)(float)x[i] * (float)x[i];
  }
  good = good && untouched(x[n]) && untouched(y[0]) && untouched(y[n + 1]) && untouched(z[n]) && untouched(u[n]) && untouched(v[n]);
  expect(good, "fills and conversions", (double)n, 0);
  if (n > 100000) {
    expect(fabs(sqrt(squares / n) / 0.25 - 1) < 0.01, "fill deviation", sqrt(squares / n), 0.25);
    expect(fabs(sum / n) < 0.25 * 5 / sqrt((double)n), "fill mean", sum / n, 0);
    double products = 0;  // neighbours at several distances are not correlated
    for (int step : {1, 2, 3, 8, 64, 4096}) {
      products = 0;
      for (long i = 0; i + step < n; i++) products += (double)(float)x[i] * (float)x[i + step];
      expect(fabs(products / squares) < 6 / sqrt((double)n), "fill correlation", products / squares, step);
    }
  }
}

static void bench() {
  const int ffn = 14336;
  for (int rows : {1, 64, 8192}) {
    Dev<bf16> in(std::vector<bf16>((size_t)rows * 2 * ffn, __float2bfloat16(0.5f))), out((size_t)rows * ffn);
    const double us = time_us(32, [&](int, cudaStream_t s) {
      launch(silu_mul_bf16, row_grid(ffn, rows), 128, 0, s, out.p, in.p, ffn, rows);
    });
    printf("silu_mul %5d rows: %7.2f us (%.0f GB/s)\n", rows, us, 6e-3 * rows * ffn / us);
  }
  const long n = 1L << 30;
  Dev<bf16> p(n);
  Dev<float> f(n / 2);
  double us = time_us(4, [&](int, cudaStream_t s) { launch(fill_bf16, 2112, 256, 0, s, p.p, n, 3ul, 0.02f); });
  printf("fill_bf16 %.0f GB/s\n", 2e-3 * n / us);
  us = time_us(4, [&](int, cudaStream_t s) { launch(fill_f32, 2112, 256, 0, s, f.p, n / 2, 1.f); });
  printf("fill_f32 %.0f GB/s\n", 2e-3 * n / us);
  us = time_us(4, [&](int, cudaStream_t s) { launch(convert_f32_bf16, 2112, 256, 0, s, p.p, f.p, n / 2); });
  printf("convert_f32 %.0f GB/s\n", 3e-3 * n / us);
  Dev<int> ids(std::vector<int>(1, 5));
  us = time_us(64, [&](int, cudaStream_t s) { launch(embed_bf16, dim3(4), 128, 0, s, f.p, p.p, ids.p, ids.p, 1.f, 4096, 1000, 1); });
  printf("embed 1 row %.2f us\n", us);
}

static void check_soft_cap(int n) {
  std::vector<float> x = random_f32(n + 64, 40);
  Dev<float> dx(x);
  launch(soft_cap_f32, 2, 256, 0, 0, dx.p, 30.f, (long)n);
  LAUNCHED();
  const std::vector<float> y = dx.get();
  std::vector<double> got, want;
  for (int i = 0; i < n + 64; i++) got.push_back(y[i]), want.push_back(i < n ? 30 * tanh(x[i] / 30.) : x[i]);
  expect(relative_error(got, want) < 1e-6, "soft cap, and what is behind untouched", relative_error(got, want), 1e-6);
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  if (!strcmp(mode, "small")) {
    check_activation(3, 72);
    check_activation(2, 33);
    check_embed(9, 40);
    check_flat(1001);
    check_soft_cap(777);
    return summary();
  }
  for (int ffn : {2, 8, 33, 1000, 1001, 14336}) check_activation(5, ffn);
  check_activation(700, 264);
  check_embed(1, 4096);
  check_embed(37, 40);
  check_embed(12, 37);
  for (long n : {1L, 7L, 8L, 1001L, 1000003L}) check_flat(n);
  check_soft_cap(200001);
  return summary();
}
