// Codes on the host by their definitions, for the tests of quantized products.
#pragma once
#include "launch.cuh"

static double e4m3_value(int code) {
  if ((code & 0x7f) == 0x7f) return NAN;
  const int exponent = code >> 3 & 15, fraction = code & 7;
  const double size = exponent ? ldexp(8 + fraction, exponent - 10) : ldexp(fraction, -9);
  return code & 0x80 ? -size : size;
}

// The nearest, found by search; of two the even one; beyond 448 the last.
static int e4m3_code(float v) {
  if (v != v) return 0x7f;
  const double size = fabs((double)v);
  int best = 0;
  for (int c = 1; c < 0x7f; c++) {
    const double now = fabs(e4m3_value(c) - size), before = fabs(e4m3_value(best) - size);
    if (now < before || (now == before && c % 2 == 0)) best = c;
  }
  return best | (signbit(v) ? 0x80 : 0);
}

static std::vector<unsigned char> random_codes(size_t n, bool e4m3) {
  std::uniform_int_distribution<int> any(0, 255);
  std::normal_distribution<float> d(0, 30);
  std::vector<unsigned char> v(n);
  for (auto& c : v) c = e4m3 ? (unsigned char)e4m3_code(d(rng)) : (unsigned char)any(rng);
  return v;
}

static std::vector<float> random_scales(size_t n) {
  std::uniform_real_distribution<float> d(0.002f, 0.02f);
  std::vector<float> v(n);
  for (auto& s : v) s = d(rng);
  return v;
}
