// Rope and the cache write against a double reference; everything that must not be written is compared bit by bit.
#include "launch.cuh"
#include "../../main/cuda/rope.cu"

static double at(const std::vector<bf16>& v, size_t i) { return (double)__bfloat162float(v[i]); }

struct Case {
  int rows, heads, kvHeads, dim, rotary, interleaved, blockSize;
};

// Element d of a rotated head at p.
static double rotated(const std::vector<bf16>& x, size_t p, int d, const float* table, const Case& c) {
  if (d >= c.rotary) return at(x, p + d);
  const int half = c.rotary / 2, i = c.interleaved ? d / 2 : d % half;
  const bool second = c.interleaved ? d & 1 : d >= half;
  const double a = at(x, p + (c.interleaved ? 2 * i : i)), b = at(x, p + (c.interleaved ? 2 * i + 1 : i + half));
  return second ? b * table[i] + a * table[half + i] : a * table[i] - b * table[half + i];
}

static void check(const Case& c) {
  const int maxPositions = 50, numBlocks = ceil_div(c.rows, c.blockSize) + 3, heads = c.heads + 2 * c.kvHeads;
  const int stride = heads * c.dim + 16;
  std::vector<bf16> x = random_bf16((size_t)c.rows * stride, 1);
  x[0] = __float2bfloat16(NAN);
  std::vector<float> table((size_t)maxPositions * c.rotary);
  for (int p = 0; p < maxPositions; p++)
    for (int i = 0; i < c.rotary / 2; i++) {
      const double angle = p * pow(10000., -2. * i / c.rotary);
      table[(size_t)p * c.rotary + i] = (float)cos(angle);
      table[(size_t)p * c.rotary + c.rotary / 2 + i] = (float)sin(angle);
    }
  std::vector<int> positions(c.rows), slots(c.rows), order(numBlocks * c.blockSize);
  for (size_t i = 0; i < order.size(); i++) order[i] = (int)i;
  std::shuffle(order.begin(), order.end(), rng);
  for (int r = 0; r < c.rows; r++) positions[r] = (r * 7 + 3) % maxPositions, slots[r] = r % 5 == 4 ? -1 : order[r];
  const size_t cacheSize = (size_t)numBlocks * c.kvHeads * c.blockSize * c.dim;
  Dev<bf16> dx(x), k(cacheSize), v(cacheSize), x2(x), k2(cacheSize), v2(cacheSize), x3(x), x4(x);
  Dev<unsigned char> k3(cacheSize), v3(cacheSize), k4(cacheSize), v4(cacheSize);
  const float keyScale = 0.0047f, valueScale = 0.31f;  // keys saturate, many values are subnormal
  Dev<float> dt(table);
  Dev<int> dp(positions), ds(slots);
  const dim3 grid(ceil_div((long)heads * c.dim / 8, 128), c.rows);
  launch(rope_kv_write_bf16, grid, 128, 0, 0, dx.p, stride, dp.p, ds.p, dt.p, k.p, v.p, c.heads, c.kvHeads, c.dim, c.rotary,
         c.interleaved, c.blockSize, c.rows);
  // The halves alone, with an odd geometry: q, then k, then the write of what is rotated.
  launch(rope_bf16, dim3(1, 2), 128, 0, 0, x2.p, 0, c.heads, c.dim, stride, dp.p, dt.p, c.rotary, c.interleaved, c.rows);
  launch(rope_bf16, dim3(3, 1), 128, 0, 0, x2.p, c.heads * c.dim, c.kvHeads, c.dim, stride, dp.p, dt.p, c.rotary, c.interleaved,
         c.rows);
  launch(kv_write_bf16, dim3(2, 2), 128, 0, 0, x2.p, stride, ds.p, k2.p, v2.p, c.heads, c.kvHeads, c.dim, c.blockSize, c.rows);
  launch(rope_kv_write_fp8, grid, 128, 0, 0, x3.p, stride, dp.p, ds.p, dt.p, k3.p, v3.p, c.heads, c.kvHeads, c.dim, c.rotary,
         c.interleaved, c.blockSize, c.rows, keyScale, valueScale);
  launch(kv_write_fp8, dim3(2, 2), 128, 0, 0, x4.p, stride, ds.p, k4.p, v4.p, c.heads, c.kvHeads, c.dim, c.blockSize, c.rows,
         keyScale, valueScale);
  LAUNCHED();
  const std::vector<unsigned char> codesK = k3.get(), codesV = v3.get(), plainK = k4.get();
  // The nearest code, but for the f32 rounding of what is rotated.
  auto is_code = [](int code, double want) {
    const double least = fabs(e4m3_value(e4m3_nearest(want)) - want);
    return fabs(e4m3_value(code) - want) <= least + 1e-5 * std::min(448., fabs(want));
  };
  const std::vector<bf16> y = dx.get(), gotK = k.get(), gotV = v.get();
  char what[120];
  snprintf(what, sizeof what, "rope rows=%d heads=%d/%d dim=%d rotary=%d interleaved=%d", c.rows, c.heads, c.kvHeads, c.dim,
           c.rotary, c.interleaved);
  expect(same_bits(y, x3.get()) && same_bits(codesV, v4.get()), "rope: another cache, another q or v", 0, 1);
  expect(same_bits(gotK, k2.get()) && same_bits(gotV, v2.get()), "rope: halves differ from the whole", 0, 1);
  bool same = true;
  std::vector<double> got, want;
  std::vector<char> written(cacheSize);
  const std::vector<bf16> y2 = x2.get();
  for (int r = 0; r < c.rows; r++) {
    const size_t p = (size_t)r * stride;
    const float* t = &table[(size_t)positions[r] * c.rotary];
    for (int h = 0; h < heads; h++)
      for (int d = 0; d < c.dim; d++) {
        const size_t i = p + h * c.dim + d;
        if (h < c.heads) {
          same = same && same_bits<bf16>({y[i]}, {y2[i]});
          const double e = rotated(x, p + h * c.dim, d, t, c);
          if (isnan(e)) same = same && isnan(at(y, i));
          else got.push_back(at(y, i)), want.push_back(e);
          if (d >= c.rotary) same = same && same_bits<bf16>({y[i]}, {x[i]});
          continue;
        }
        same = same && same_bits<bf16>({y[i]}, {x[i]});
        if (slots[r] < 0) continue;
        const int kvHead = (h - c.heads) % c.kvHeads;
        const size_t to =
            (((size_t)(slots[r] / c.blockSize) * c.kvHeads + kvHead) * c.blockSize + slots[r] % c.blockSize) * c.dim + d;
        if (h < c.heads + c.kvHeads) {
          got.push_back(at(gotK, to)), want.push_back(rotated(x, p + h * c.dim, d, t, c));
          written[to] = 1;
          same = same && is_code(codesK[to], rotated(x, p + h * c.dim, d, t, c) / keyScale);
          same = same && plainK[to] == e4m3_nearest((float)at(x, i) / keyScale);
        } else {
          same = same && same_bits<bf16>({gotV[to]}, {x[i]});
          same = same && codesV[to] == e4m3_nearest((float)at(x, i) / valueScale);
        }
      }
    for (int d = heads * c.dim; d < stride; d++) same = same && same_bits<bf16>({y[p + d]}, {x[p + d]});
  }
  for (size_t i = 0; i < cacheSize; i++)
    if (!written[i]) same = same && untouched(gotK[i]) && untouched(gotV[i]) && untouched(codesK[i]) && untouched(codesV[i]);
  expect(same, what, 0, 1);
  expect(relative_error(got, want) < 3e-3, what, relative_error(got, want), 3e-3);
}

static void bench() {
  for (int rows : {1, 64, 8192}) {
    Dev<bf16> x(std::vector<bf16>((size_t)rows * 6144, __float2bfloat16(0.5f))), k((size_t)rows * 1024 + 65536), v((size_t)rows * 1024 + 65536);
    Dev<float> table(random_f32((size_t)8192 * 128, 1));
    std::vector<int> ids(rows);
    for (int i = 0; i < rows; i++) ids[i] = i;
    Dev<int> positions(ids), slots(ids);
    const double us = time_us(64, [&](int, cudaStream_t s) {
      launch(rope_kv_write_bf16, dim3(6, rows), 128, 0, s, x.p, 6144, positions.p, slots.p, table.p, k.p, v.p, 32, 8, 128, 128, 0,
             16, rows);
    });
    printf("rope_kv_write %5d rows: %7.2f us (%.0f GB/s)\n", rows, us, 2e-3 * rows * (2 * 4096 + 4 * 1024) / us);
    const double fp8 = time_us(64, [&](int, cudaStream_t s) {
      launch(rope_kv_write_fp8, dim3(6, rows), 128, 0, s, x.p, 6144, positions.p, slots.p, table.p, (e4m3*)k.p, (e4m3*)v.p, 32, 8,
             128, 128, 0, 16, rows, 0.01f, 0.02f);
    });
    printf("rope_kv_write fp8 %5d rows: %7.2f us (%.0f GB/s)\n", rows, fp8, 2e-3 * rows * (2 * 4096 + 3 * 1024) / fp8);
  }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  if (!strcmp(mode, "small")) {
    check({3, 4, 2, 64, 64, 0, 16});
    check({7, 3, 1, 80, 20, 1, 16});
    return summary();
  }
  for (int interleaved : {0, 1})
    for (int dim : {64, 80, 96, 128, 256})
      for (int rotary : {dim, dim / 2, dim / 4, 2}) check({13, 6, 2, dim, rotary, interleaved, 32});
  check({1, 32, 8, 128, 128, 0, 16});
  check({301, 9, 3, 128, 128, 0, 64});
  check({65, 1, 1, 64, 64, 0, 16});
  return summary();
}
