// Hopper's products with integer matrices against a double reference: all tiles and forms of scales, awkward sizes; the three
// unsplit tiles give the same bits.
#include "int_case.cuh"
#include "../../main/cuda/embedding.cu"
#include "../../main/cuda/gemm_int.cu"

struct Kernel {
  int TM, split;
  void (*four)(void*, const bf16*, const unsigned char*, const unsigned char*, const float*, int, int, int, int, int, int, int, int,
               unsigned, int);
  decltype(four) eight;

  size_t shared_bytes(int bits, int form, int granules) const {
    const int width = (form & ints::WIDE ? 4 : 2) << (form & ints::OFFSETS ? 1 : 0), stages = bits == 4 && TM < 256 ? 5 : 4;
    return 1024 + (size_t)stages * (TM * 128 * split + 8 * (128 * bits + granules * 16 * width));
  }
};
static const Kernel kernels[] = {{64, 2, gemm_w4a16_m64_split, gemm_w8a16_m64_split},
                                 {128, 2, gemm_w4a16_m128_split, gemm_w8a16_m128_split},
                                 {128, 1, gemm_w4a16_m128, gemm_w8a16_m128},
                                 {256, 1, gemm_w4a16_m256, gemm_w8a16_m256}};

template <typename OUT>
static void gemm(const Kernel& k, OUT* out, const bf16* x, const unsigned char* codes, const unsigned char* scales, const IntCase& c,
                 const float* bias, int M, int xStride, int outStride, cudaStream_t s = 0) {
  launch(c.bits == 4 ? k.four : k.eight, ceil_div(c.N, 128 / k.split) * ceil_div(M, k.TM), 256,
         k.shared_bytes(c.bits, c.form, c.granulesPerStep), s, out, x, codes, scales, bias, c.N, c.K, M, xStride, outStride,
         (int)(sizeof(OUT) == 4), c.form, c.groups, c.groupSteps, c.granulesPerStep);
}

template <typename OUT>
static double error(const std::vector<OUT>& got, const std::vector<double>& want, int M, int N, int stride, bool& clean) {
  std::vector<double> y((size_t)M * N);
  for (size_t i = 0; i < got.size(); i++) {
    const int m = (int)(i / stride), n = (int)(i % stride);
    if (m < M && n < N) y[(size_t)m * N + n] = (double)(float)got[i];
    else clean = clean && untouched(got[i]);
  }
  return relative_error(y, want);
}

static void check(int M, int N, int K, int bits, int group, int form, bool withBias) {
  const IntCase c(N, K, bits, group, form);
  const int xStride = K + 8, outStride = N + 3;
  std::vector<bf16> x = random_bf16((size_t)M * xStride, 1);
  for (int m = 0; m < M; m++)
    for (int k = K; k < xStride; k++) x[(size_t)m * xStride + k] = __float2bfloat16(NAN);  // not of the row
  std::vector<float> bias = withBias ? random_f32(N, 1) : std::vector<float>();
  Dev<bf16> dx(x), out((size_t)(M + 1) * outStride);
  Dev<unsigned char> codes(c.codes), scales(c.scales);
  Dev<float> dbias(bias), outF((size_t)(M + 1) * outStride);
  const float* b = withBias ? dbias.p : nullptr;
  std::vector<float> w(c.w.size());
  for (size_t i = 0; i < w.size(); i++) w[i] = (float)__float2bfloat16((float)c.w[i]);
  std::vector<double> want((size_t)M * N);
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      double sum = withBias ? bias[n] : 0.;
      for (int k = 0; k < K; k++) sum += (double)(float)x[(size_t)m * xStride + k] * w[(size_t)n * K + k];
      want[(size_t)m * N + n] = sum;
    }
  char what[140];
  std::vector<float> first;
  for (const Kernel& k : kernels) {
    outF.poison();
    out.poison();
    gemm(k, outF.p, dx.p, codes.p, scales.p, c, b, M, xStride, outStride);
    gemm(k, out.p, dx.p, codes.p, scales.p, c, b, M, xStride, outStride);
    LAUNCHED();
    bool clean = true;
    snprintf(what, sizeof what, "gemm int%d M=%d N=%d K=%d group=%d form=%d tile=%d/%d", bits, M, N, K, group, form, k.TM, k.split);
    const std::vector<float> y = outF.get();
    double e = error(y, want, M, N, outStride, clean);
    expect(clean && e < 1e-5, what, e, 1e-5);
    e = error(out.get(), want, M, N, outStride, clean);
    expect(clean && e < 4e-3, what, e, 4e-3);
    if (k.split == 1) {
      if (first.empty()) first = y;
      expect(same_bits(first, y), "gemm int: tiles differ", k.TM, 0);
    }
  }
}

static void bench() {
  const struct {
    const char* name;
    int N, K;
  } shapes[] = {{"qkv", 6144, 4096}, {"o", 4096, 4096}, {"gate_up", 25600, 4096}, {"down", 4096, 12800}};
  Dev<bf16> x(512 * 12800), out((size_t)512 * 25600);
  launch(fill_bf16, 64, 256, 0, 0, x.p, (long)x.n, 8ul, 1.f);
  LAUNCHED();
  printf("us (percent of bound: 4.5 TB/s or 800 TFLOP/s) of m64_split, m128_split, m128, m256\n");
  for (int bits : {4, 8})
    for (const auto& s : shapes) {
      const int copies = 8;
      IntPool pool(s.N, s.K, bits, 128, copies);
      IntCase c(16, 64, bits, 64, 0);
      c.N = s.N, c.K = s.K, c.groups = s.K / 128, c.groupSteps = 1u << 31;
      for (int M : {16, 64, 128, 256, 512}) {
        const double bound = std::max((double)(pool.codeBytes + pool.scaleBytes) / 4.5e6, 2. * M * s.N * s.K / 800e6);
        printf("int%d %-8s M=%3d %7.1f:", bits, s.name, M, bound);
        for (const Kernel& k : kernels) {
          const double us = time_us(copies, [&](int i, cudaStream_t st) {
            gemm(k, out.p, x.p, pool.codes.p + i * pool.codeBytes, pool.scales.p + i * pool.scaleBytes, c, nullptr, M, s.K, s.N, st);
          });
          printf(" %7.2f (%3.0f%%)", us, 100 * bound / us);
        }
        printf("\n");
      }
    }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "bench")) return bench(), 0;
  using namespace ints;
  check(1, 1, 8, 4, 16, 0, false);
  check(19, 70, 264, 4, 128, 0, true);
  check(70, 130, 200, 8, 32, WIDE | OFFSETS, false);
  check(9, 37, 456, 4, 16, OFFSETS | HALF, true);
  if (!strcmp(mode, "small")) return summary();
  check(65, 257, 72, 8, 64, OFFSETS, true);
  check(130, 200, 648, 4, 128, HALF, false);
  check(300, 140, 392, 8, 1 << 20, WIDE, true);
  check(257, 300, 1032, 4, 32, 0, false);
  check(64, 128, 1536, 4, 192, WIDE | OFFSETS, false);
  return summary();
}
