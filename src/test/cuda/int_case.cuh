// A random integer matrix as int_weights.cuh describes it, packed word by word from that description, and as numbers.
#pragma once
#include "launch.cuh"
#include "../../main/cuda/int_weights.cuh"

struct IntCase {
  int N, K, bits, group, form, granulesPerStep, groups;
  unsigned groupSteps;
  std::vector<unsigned char> codes, scales;
  std::vector<double> w;  // exact
  std::vector<float> scaleOf, offsetOf;

  int steps() const { return ceil_div(K, 64); }
  int granuleOf(int k) const { return granulesPerStep == 1 ? (k / 64) / (group / 64) : k / (64 / granulesPerStep); }

  IntCase(int N, int K, int bits, int group, int form, float size = 0.05f) : N(N), K(K), bits(bits), form(form) {
    this->group = group = group >= K ? steps() * 64 : group;
    granulesPerStep = group % 64 == 0 ? 1 : group % 32 == 0 ? 2 : 4;
    const int groupInSteps = group / 64;
    groups = granulesPerStep == 1 ? ceil_div(steps(), groupInSteps) : steps() * granulesPerStep;
    groupSteps = granulesPerStep > 1 || groupInSteps == 1 ? 0 : (unsigned)(((1ull << 32) + groupInSteps - 1) / groupInSteps);
    const int tiles = ceil_div(N, 16), width = (form & ints::WIDE ? 4 : 2) << (form & ints::OFFSETS ? 1 : 0);
    codes.assign((size_t)tiles * steps() * 128 * bits, bits == 4 ? 0x88 : 0);
    scales.assign((size_t)tiles * groups * 16 * width, 0);
    w.resize((size_t)N * K);
    std::uniform_real_distribution<float> d(0.2f, 1);
    std::vector<float> s((size_t)N * ceil_div(K, group)), o(s.size());
    const float unit = size / (bits == 4 ? 4 : 64);
    for (size_t i = 0; i < s.size(); i++) {
      s[i] = d(rng) * unit;
      if (!(form & ints::WIDE)) s[i] = form & ints::HALF ? __half2float(__float2half(s[i])) : (float)__float2bfloat16(s[i]);
      const int zero = (int)(rng() % 15) - 7;
      o[i] = !(form & ints::OFFSETS) ? 0 : form & ints::WIDE ? unit * (d(rng) - 0.6f) * 7 : s[i] * zero;
    }
    for (int n = 0; n < N; n++)
      for (int k = 0; k < K; k++) {
        const size_t at = (size_t)n * ceil_div(K, group) + k / group;
        const int v = (int)(rng() % (1 << bits)) - (1 << (bits - 1));
        put(n, k, v);
        set_scale(n, k, s[at], o[at]);
        w[(size_t)n * K + k] = (double)v * s[at] + o[at];
      }
  }

  void put(int n, int k, int v) {
    const int lane = n % 8 * 4 + k / 2 % 4, h = n / 8 % 2, j = k / 16 % 4, i = h + 2 * (k / 8 % 2), second = k % 2;
    unsigned char* block = codes.data() + ((size_t)(n / 16) * steps() + k / 64) * 128 * bits;
    if (bits == 4) {
      unsigned char& b = block[lane * 16 + j * 4 + (4 * i + 16 * second) / 8];
      const int shift = 4 * (i % 2);
      b = (unsigned char)((b & ~(15 << shift)) | (v + 8) << shift);
    } else {
      block[j / 2 * 512 + lane * 16 + (2 * (j % 2) + i / 2) * 4 + i % 2 + 2 * second] = (unsigned char)v;
    }
  }

  static unsigned short bits16(float f, int form) {
    unsigned short u;
    if (form & ints::HALF) {
      const __half h = __float2half(f);
      memcpy(&u, &h, 2);
    } else {
      const bf16 h = __float2bfloat16(f);
      memcpy(&u, &h, 2);
    }
    return u;
  }

  void set_scale(int n, int k, float scale, float offset) {
    const int values = form & ints::OFFSETS ? 2 : 1, width = (form & ints::WIDE ? 4 : 2) * values;
    unsigned char* to = scales.data() + ((size_t)(n / 16) * groups + granuleOf(k)) * 16 * width + (n % 8 * 2 + n / 8 % 2) * width;
    for (int i = 0; i < values; i++) {
      const float f = i == 0 ? scale : form & ints::WIDE ? offset : offset / scale;
      const unsigned short u = bits16(form & ints::WIDE ? 0 : f, form);
      if (form & ints::WIDE) memcpy(to + 4 * i, &f, 4);
      else memcpy(to + 2 * i, &u, 2);
    }
  }
};

// A matrix of random bytes with small scales, for measurements: codes of 4 or 8 bits, bf16 scales.
struct IntPool {
  Dev<unsigned char> codes, scales;
  size_t codeBytes, scaleBytes;
  int copies;
  IntPool(int N, int K, int bits, int group, int copies)
      : codes((size_t)copies * N * K * bits / 8), scales((size_t)copies * N * (K / group) * 2), codeBytes((size_t)N * K * bits / 8),
        scaleBytes((size_t)N * (K / group) * 2), copies(copies) {
    std::vector<unsigned char> bytes(1 << 20);
    for (auto& b : bytes) b = (unsigned char)rng();
    for (size_t i = 0; i < codes.n; i += bytes.size())
      CUDA(cudaMemcpy(codes.p + i, bytes.data(), std::min(bytes.size(), codes.n - i), cudaMemcpyHostToDevice));
    std::vector<bf16> s(scales.n / 2, __float2bfloat16(0.01f));
    CUDA(cudaMemcpy(scales.p, s.data(), scales.n, cudaMemcpyHostToDevice));
  }
};
