// RMS norm, with and without the residual addition, and per head, against a double reference.
#include "launch.cuh"
#include "../../main/cuda/norm.cu"

static int block_of(int hidden) { return std::min(1024, std::max(64, ceil_div(ceil_div(hidden, 8), 32) * 32)); }

static double at(const std::vector<bf16>& v, size_t i) { return (double)__bfloat162float(v[i]); }

// Every kernel writes rows * hidden values into buffers with a guard behind them.
static void check(int rows, int hidden, bool special) {
  const size_t n = (size_t)rows * hidden;
  const float eps = 1e-5f, scale = 0.7f;
  std::vector<float> x = random_f32(n + 64, 2), w = random_f32(hidden, 1);
  std::vector<bf16> delta = random_bf16(n + 64, 1);
  if (special) x[hidden / 2] = NAN, x[(size_t)(rows - 1) * hidden + hidden - 1] = INFINITY;
  Dev<float> dx(x), dw(w);
  Dev<bf16> dd(delta), out(n + 64), inPlace(delta);
  char what[80];
  snprintf(what, sizeof what, "norm rows=%d hidden=%d", rows, hidden);
  launch(rms_norm_bf16, rows, block_of(hidden), 0, 0, out.p, dx.p, dw.p, eps, hidden);
  LAUNCHED();
  expect(same_bits(dx.get(), x), "norm: input changed", 0, 1);
  for (int add = 0; add < 2; add++) {
    const std::vector<bf16> y = out.get();
    const std::vector<float> residual = dx.get();
    bool nan = true, guard = true;
    std::vector<double> got, want, gotResidual, wantResidual;
    for (int r = 0; r < rows; r++) {
      std::vector<double> v(hidden);
      double sum = 0;
      for (int i = 0; i < hidden; i++) {
        const size_t at_ = (size_t)r * hidden + i;
        v[i] = x[at_] + (add ? at(delta, at_) * scale : 0);
        sum += v[i] * v[i];
      }
      for (int i = 0; i < hidden; i++) {
        const size_t at_ = (size_t)r * hidden + i;
        const double e = v[i] / sqrt(sum / hidden + eps) * w[i];
        if (special && r == 0) nan = nan && isnan(at(y, at_));
        else if (special && r == rows - 1) nan = nan && (i == hidden - 1 ? isnan(at(y, at_)) : at(y, at_) == 0);
        else got.push_back(at(y, at_)), want.push_back(e);
        if (!isnan(v[i]) && !isinf(v[i])) gotResidual.push_back(residual[at_]), wantResidual.push_back(v[i]);
      }
    }
    for (size_t i = n; i < n + 64; i++) guard = guard && (add ? same_bits<bf16>({y[i]}, {delta[i]}) : untouched(y[i]));
    expect(nan, "norm: special values", 0, 1);
    expect(guard, "norm: wrote behind the end", 0, 1);
    expect(relative_error(got, want) < 3e-3, what, relative_error(got, want), 3e-3);
    if (add) expect(relative_error(gotResidual, wantResidual) < 1e-6, what, relative_error(gotResidual, wantResidual), 1e-6);
    if (add) break;
    launch(add_rms_norm_bf16, rows, block_of(hidden), 0, 0, inPlace.p, dx.p, inPlace.p, scale, dw.p, eps, hidden);
    LAUNCHED();
    out.put(inPlace.get());
  }
  // A row alone has the bits that it has among others.
  const int r = rows / 2;
  Dev<float> one(std::vector<float>(x.begin() + (size_t)r * hidden, x.begin() + (size_t)(r + 1) * hidden));
  Dev<bf16> d1(std::vector<bf16>(delta.begin() + (size_t)r * hidden, delta.begin() + (size_t)(r + 1) * hidden)), o1(hidden);
  launch(add_rms_norm_bf16, 1, block_of(hidden), 0, 0, o1.p, one.p, d1.p, scale, dw.p, eps, hidden);
  LAUNCHED();
  const std::vector<bf16> all = out.get();
  expect(same_bits(o1.get(), std::vector<bf16>(all.begin() + (size_t)r * hidden, all.begin() + (size_t)(r + 1) * hidden)),
         "norm: bits depend on the number of rows", rows, 0);
}

static void check_heads(int rows, int heads, int dim, int column) {
  const int stride = column + heads * dim + 24;
  std::vector<bf16> x = random_bf16((size_t)rows * stride, 3);
  std::vector<float> w = random_f32(dim, 1);
  x[column] = __float2bfloat16(NAN);
  Dev<bf16> dx(x);
  Dev<float> dw(w);
  if (dim > 512)
    launch(rms_norm_wide_bf16, rows * heads, block_of(dim), 0, 0, dx.p, column, heads, dim, stride, dw.p, 1e-6f);
  else
    launch(rms_norm_heads_bf16, ceil_div((long)rows * heads, 4), 128, 0, 0, dx.p, column, heads, dim, stride, dw.p, 1e-6f, rows);
  LAUNCHED();
  const std::vector<bf16> y = dx.get();
  std::vector<double> got, want;
  bool good = true;
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < stride; c++) {
      const size_t i = (size_t)r * stride + c;
      const int h = (c - column) / dim;
      if (c < column || h >= heads) {
        good = good && same_bits<bf16>({y[i]}, {x[i]});
      } else if (r == 0 && h == 0) {
        good = good && isnan(at(y, i));
      } else {
        double sum = 0;
        for (int d = 0; d < dim; d++) sum += pow(at(x, (size_t)r * stride + column + h * dim + d), 2);
        got.push_back(at(y, i));
        want.push_back(at(x, i) / sqrt(sum / dim + 1e-6) * w[(c - column) % dim]);
      }
    }
  expect(good, "norm heads: other columns, NaN", dim, 0);
  expect(relative_error(got, want) < 3e-3, "norm heads", relative_error(got, want), 3e-3);
}

// With a delta and without; what is behind the end stays.
static void check_add(int n) {
  std::vector<float> x = random_f32(n + 64, 2);
  std::vector<bf16> delta = random_bf16(n + 64, 1);
  Dev<float> dx(x);
  Dev<bf16> dd(delta), out(n + 64);
  for (int add = 0; add < 2; add++) {
    launch(add_bf16, 3, 256, 0, 0, out.p, dx.p, add ? dd.p : (bf16*)nullptr, 0.7f, (long)n);
    LAUNCHED();
    const std::vector<bf16> y = out.get();
    const std::vector<float> residual = dx.get();
    std::vector<double> got, want, gotResidual, wantResidual;
    bool good = true;
    for (int i = 0; i < n + 64; i++) {
      const double e = x[i] + (add && i < n ? at(delta, i) * 0.7f : 0);
      gotResidual.push_back(residual[i]), wantResidual.push_back(e);
      if (i < n) got.push_back(at(y, i)), want.push_back(e);
      else good = good && untouched(y[i]);
    }
    expect(good, "add: wrote behind the end", n, 0);
    expect(relative_error(got, want) < 3e-3, "add", relative_error(got, want), 3e-3);
    expect(relative_error(gotResidual, wantResidual) < 1e-6, "add: residual", relative_error(gotResidual, wantResidual), 1e-6);
  }
}

static void bench() {
  printf("%-10s %6s %6s: us (GB/s)\n", "", "rows", "hidden");
  for (int hidden : {2048, 4096, 8192})
    for (int rows : {1, 64, 8192}) {
      const int copies = rows > 64 ? 2 : 1;
      const size_t n = (size_t)rows * hidden;
      Dev<float> x(std::vector<float>(n * copies, 0.f)), w(random_f32(hidden, 1));
      Dev<bf16> d(std::vector<bf16>(n * copies, __float2bfloat16(0.01f)));
      double us = time_us(64, [&](int i, cudaStream_t s) {
        launch(rms_norm_bf16, rows, block_of(hidden), 0, s, d.p + (i % copies) * n, x.p + (i % copies) * n, w.p, 1e-5f, hidden);
      });
      printf("%-10s %6d %6d: %7.2f (%.0f)\n", "norm", rows, hidden, us, 6e-3 * n / us);
      us = time_us(64, [&](int i, cudaStream_t s) {
        bf16* p = d.p + (i % copies) * n;
        launch(add_rms_norm_bf16, rows, block_of(hidden), 0, s, p, x.p + (i % copies) * n, p, 1.f, w.p, 1e-5f, hidden);
      });
      printf("%-10s %6d %6d: %7.2f (%.0f)\n", "add_norm", rows, hidden, us, 12e-3 * n / us);
    }
  for (int rows : {1, 8192}) {
    Dev<bf16> d(std::vector<bf16>((size_t)rows * 6144, __float2bfloat16(0.5f)));
    Dev<float> w(random_f32(128, 1));
    const double us = time_us(64, [&](int, cudaStream_t s) {
      launch(rms_norm_heads_bf16, ceil_div((long)rows * 32, 4), 128, 0, s, d.p, 0, 32, 128, 6144, w.p, 1e-6f, rows);
    });
    printf("%-10s %6d %6d: %7.2f (%.0f)\n", "heads", rows, 4096, us, 4e-3 * rows * 4096 / us);
  }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  if (!strcmp(mode, "small")) {
    check(3, 1000, true);
    check(2, 77, false);
    check_heads(3, 5, 96, 8);
    check_heads(2, 2, 1030, 8);
    check_add(1000);
    check_add(77);
    return summary();
  }
  check(3, 4096, true);
  check(5, 33, true);
  for (int hidden : {1, 7, 8, 63, 512, 1001, 4096, 5120, 8192, 14336, 16384, 16392, 20001, 40000}) check(3, hidden, false);
  check(1, 4096, false);
  check(1000, 2048, false);
  for (int dim : {64, 80, 96, 128, 256, 512, 2, 514, 1030, 4096}) check_heads(7, 3, dim, 16);
  for (int n : {1, 8, 77, 4096, 300000}) check_add(n);
  return summary();
}
