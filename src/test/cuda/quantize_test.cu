// Codes and scales against their definition, bit by bit: odd widths, zero rows, NaN, infinity, ends of the range.
#include "launch.cuh"
#include "../../main/cuda/quantize.cu"

enum Kind { E4M3, INT8, INT8_ZERO };

struct Row {
  float scale = 1;
  int zero = 0;
  bool valid = true;
};

// In f32, operation by operation.
static Row expected_row(const float* x, int K, Kind kind, float fixedScale, int fixedZero) {
  Row row;
  float size = 0, low = 0, high = 0;
  bool nan = false;
  for (int k = 0; k < K; k++) {
    nan = nan || x[k] != x[k];
    size = fmaxf(size, fabsf(x[k])), low = fminf(low, x[k]), high = fmaxf(high, x[k]);
  }
  if (fixedScale != 0) return {fixedScale, fixedZero, !nan};
  row.valid = !nan && !isinf(size);
  if (!row.valid || size == 0) {
    if (kind == INT8_ZERO && row.valid) row.zero = -128;
    return row;
  }
  row.scale = kind == E4M3 ? size / 448.f : kind == INT8 ? size / 127.f : (high - low) / 255.f;
  if (kind == INT8_ZERO) row.zero = (int)fminf(fmaxf(nearbyintf(-128.f - low / row.scale), -128), 127);
  return row;
}

static int expected_code(float v, const Row& row, bool e4m3) {
  const float y = v / row.scale;
  if (e4m3) return e4m3_nearest(y);
  return (int)fminf(fmaxf(nearbyintf(y) + row.zero, -128), 127) & 255;
}

static std::vector<float> values(const std::vector<bf16>& x) {
  std::vector<float> v(x.size());
  for (size_t i = 0; i < v.size(); i++) v[i] = __bfloat162float(x[i]);
  return v;
}

// Rows of different sizes: ordinary, zeros, one value, huge, tiny, NaN, infinities.
static std::vector<bf16> rows_of(int rows, int stride, int K) {
  std::vector<bf16> x = random_bf16((size_t)rows * stride, 3);
  for (int r = 0; r < rows; r++) {
    bf16* row = x.data() + (size_t)r * stride;
    for (int k = 0; k < K; k++) {
      const float v = __bfloat162float(row[k]);
      switch (r % 9) {
        case 1: row[k] = __float2bfloat16(0.f); break;
        case 2: row[k] = __float2bfloat16(k == K / 2 ? -5.f : 0.f); break;
        case 3: row[k] = __float2bfloat16(v * 1e37f); break;
        case 4: row[k] = __float2bfloat16(v * 1e-38f); break;
        case 5: row[k] = __float2bfloat16(fabsf(v)); break;
        default: break;
      }
    }
    if (r % 9 == 6) row[K - 1] = __float2bfloat16(NAN);
    if (r % 9 == 7) row[K / 3] = __float2bfloat16(-INFINITY);
    for (int k = K; k < stride; k++) row[k] = __float2bfloat16(NAN);
  }
  return x;
}

static void check_rows(int rows, int K, int stride, Kind kind, float fixedScale, int fixedZero) {
  const int codeStride = (K + 15) / 16 * 16;
  const std::vector<bf16> x = rows_of(rows, stride, K);
  const std::vector<float> v = values(x);
  Dev<bf16> in(x);
  Dev<unsigned char> codes((size_t)rows * codeStride + 16);
  Dev<float> scales(rows + 1);
  Dev<int> zeros(rows + 1);
  const int block = std::max(64, std::min(1024, (codeStride / 8 + 31) / 32 * 32));
  const bool fixedByZero = kind == INT8_ZERO && fixedScale != 0;
  if (fixedByZero)
    launch(quantize_int8_fixed_zero, rows, block, 0, 0, codes.p, scales.p, zeros.p, in.p, K, codeStride, stride, fixedScale, fixedZero);
  else if (kind == INT8_ZERO)
    launch(quantize_int8_zero, rows, block, 0, 0, codes.p, scales.p, zeros.p, in.p, K, codeStride, stride);
  else
    launch(kind == E4M3 ? quantize_e4m3 : quantize_int8, rows, block, 0, 0, codes.p, scales.p, in.p, K, codeStride, stride, fixedScale);
  LAUNCHED();
  const std::vector<unsigned char> got = codes.get();
  const std::vector<float> s = scales.get();
  const std::vector<int> z = zeros.get();
  char what[120];
  snprintf(what, sizeof what, "quantize kind %d, %d x %d (%d), scale %g", kind, rows, K, stride, fixedScale);
  int wrong = 0;
  for (int r = 0; r < rows; r++) {
    const Row row = expected_row(v.data() + (size_t)r * stride, K, kind, fixedScale, fixedZero);
    if (row.valid ? s[r] != row.scale : !isnan(s[r])) wrong++;
    if (!row.valid) continue;
    if (kind == INT8_ZERO && z[r] != row.zero) wrong++;
    for (int k = 0; k < codeStride; k++) {
      const int want = expected_code(k < K ? v[(size_t)r * stride + k] : 0.f, row, kind == E4M3);
      if (got[(size_t)r * codeStride + k] != want) wrong++;
    }
  }
  expect(wrong == 0, what, wrong, 0);
  expect(untouched(s[rows]) && untouched(got[(size_t)rows * codeStride]) && untouched(z[rows]), what, 0, 1);
}

static void check_groups(int rows, int K, int stride) {
  const int codeStride = (K + 15) / 16 * 16, groups = ceil_div(K, 128), scaleStride = rows + 3;
  const std::vector<bf16> x = rows_of(rows, stride, K);
  const std::vector<float> v = values(x);
  Dev<bf16> in(x);
  Dev<unsigned char> codes((size_t)rows * codeStride + 16);
  Dev<float> scales((size_t)groups * scaleStride);
  launch(quantize_e4m3_groups, dim3(ceil_div(codeStride, 1024), std::min(rows, 7)), 128, 0, 0, codes.p, scales.p, in.p, K, codeStride,
         stride, scaleStride, rows);
  LAUNCHED();
  const std::vector<unsigned char> got = codes.get();
  const std::vector<float> s = scales.get();
  int wrong = 0;
  for (int r = 0; r < rows; r++)
    for (int g = 0; g < groups; g++) {
      const float* from = v.data() + (size_t)r * stride + g * 128;
      const Row row = expected_row(from, std::min(128, K - g * 128), E4M3, 0, 0);
      const float scale = s[(size_t)g * scaleStride + r];
      if (row.valid ? scale != row.scale : !isnan(scale)) wrong++;
      if (!row.valid) continue;
      for (int k = g * 128; k < std::min(codeStride, g * 128 + 128); k++)
        if (got[(size_t)r * codeStride + k] != expected_code(k < K ? from[k - g * 128] : 0.f, row, true)) wrong++;
    }
  expect(wrong == 0, "quantize groups", wrong, 0);
  bool clean = untouched(got[(size_t)rows * codeStride]);
  for (int g = 0; g < groups; g++)
    for (int r = rows; r < scaleStride; r++) clean = clean && untouched(s[(size_t)g * scaleStride + r]);
  expect(clean, "quantize groups: nothing else written", 0, 1);
}

// Every bf16 between a half and twice a few scales, where quotients fall on ties.
static void check_ties() {
  int wrong = 0;
  for (float scale : {1.f, 0.0078125f, 0.3f, 1.7e-3f, 77.f}) {
    std::vector<bf16> x;
    for (int c = 0; c < 0x7f; c++)
      for (int d = -2; d <= 2; d++) {
        const float middle = c < 0x7e ? (float)((e4m3_value(c) + e4m3_value(c + 1)) / 2) : 449.f;
        const bf16 near = __float2bfloat16(middle * scale);
        unsigned short bits;
        memcpy(&bits, &near, 2);
        bits += d;
        bf16 v;
        memcpy(&v, &bits, 2);
        const float f = __bfloat162float(v);
        x.push_back(f == f && !isinf(f) ? v : __float2bfloat16(1.f));
      }
    for (int i = -300; i < 300; i++) x.push_back(__float2bfloat16((i + 0.5f) * scale));
    const int K = (int)x.size(), codeStride = (K + 15) / 16 * 16;
    for (int e4m3 = 0; e4m3 < 2; e4m3++) {
      Dev<bf16> in(x);
      Dev<unsigned char> codes(codeStride);
      Dev<float> scales(1);
      launch(e4m3 ? quantize_e4m3 : quantize_int8, 1, 256, 0, 0, codes.p, scales.p, in.p, K, codeStride, codeStride, scale);
      LAUNCHED();
      const std::vector<unsigned char> got = codes.get();
      for (int k = 0; k < K; k++) wrong += got[k] != expected_code(__bfloat162float(x[k]), {scale, 0, true}, e4m3);
    }
  }
  expect(wrong == 0, "quantize: ties", wrong, 0);
}

static void bench() {
  const int K = 4096;
  Dev<bf16> x((size_t)16384 * K);
  Dev<unsigned char> codes((size_t)16384 * K);
  Dev<float> scales((size_t)16384 * 32);
  CUDA(cudaMemset((void*)x.p, 0x3c, x.n * 2));
  printf("%-8s %10s %10s %10s us (GB/s), %d columns\n", "rows", "e4m3", "int8", "groups", K);
  for (int rows : {1, 8, 64, 512, 2048, 16384}) {
    auto time = [&](int kind) {
      const double us = time_us(8, [&](int, cudaStream_t s) {
        if (kind == 2)
          launch(quantize_e4m3_groups, dim3(K / 1024, rows), 128, 0, s, codes.p, scales.p, x.p, K, K, K, 16384, rows);
        else
          launch(kind ? quantize_int8 : quantize_e4m3, rows, 512, 0, s, codes.p, scales.p, x.p, K, K, K, 0.f);
      });
      printf(" %8.2f (%4.0f)", us, 3. * rows * K / us / 1e3);
    };
    printf("%-8d", rows);
    for (int kind = 0; kind < 3; kind++) time(kind);
    printf("\n");
  }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  const bool small = !strcmp(mode, "small");
  check_ties();
  for (int K : {1, 16, 37, 172, 520, small ? 1032 : 14336}) {
    const int rows = small ? 10 : 40;
    for (int stride : {(K + 7) / 8 * 8, K + 3}) {
      for (float scale : {0.f, 0.011f}) {
        check_rows(rows, K, stride, E4M3, scale, 0);
        check_rows(rows, K, stride, INT8, scale, 0);
        check_rows(rows, K, stride, INT8_ZERO, scale, 17);
      }
      check_groups(rows, K, stride);
    }
  }
  check_rows(3, 9001, 9008, E4M3, 0.f, 0);
  check_rows(3, 9001, 9008, INT8_ZERO, 0.f, 0);
  return summary();
}
