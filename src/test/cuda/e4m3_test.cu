// E4M3 conversions, by instruction and by the arithmetic of older cards, against the format's formula: every code, and every
// border between two codes with its neighbours.
#include "launch.cuh"
#include "../../main/cuda/e4m3.cuh"

extern "C" __global__ void __launch_bounds__(256) decode_codes(float* out, float* arithmetic) {
  const uint32_t i = threadIdx.x, four = i | (255 - i) << 8 | (i ^ 0x55) << 16 | (i * 7 & 255) << 24;
  uint32_t halves[4] = {lower_halves(four), upper_halves(four), e4m3_arithmetic::halves<false>(four),
                        e4m3_arithmetic::halves<true>(four)};
  for (int k = 0; k < 4; k++) {
    const __half2 v = *reinterpret_cast<const __half2*>(&halves[k]);
    float* to = (k < 2 ? out : arithmetic) + 4 * i + k % 2 * 2;
    to[0] = __low2float(v);
    to[1] = __high2float(v);
  }
}

extern "C" __global__ void __launch_bounds__(256) encode_floats(int* out, int* arithmetic, const float* x, int n) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  out[i] = (int)e4m3x2_of(x[i], -x[i]);
  arithmetic[i] = (int)(e4m3_arithmetic::byte_of(x[i]) | e4m3_arithmetic::byte_of(-x[i]) << 8);
}

static bool same(double got, double want) { return (got != got && want != want) || (got == want && signbit(got) == signbit(want)); }

int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "bench")) return 0;
  Dev<float> out(1024), arithmetic(1024);
  launch(decode_codes, dim3(1), 256, 0, 0, out.p, arithmetic.p);
  LAUNCHED();
  const std::vector<float> got = out.get(), other = arithmetic.get();
  for (int i = 0; i < 256; i++) {
    const int codes[4] = {i, 255 - i, i ^ 0x55, i * 7 & 255};
    for (int k = 0; k < 4; k++) {
      const double want = e4m3_value(codes[k]);
      expect(same(got[4 * i + k], want), "decoded", got[4 * i + k], want);
      expect(same(other[4 * i + k], want), "decoded by arithmetic", other[4 * i + k], want);
    }
  }

  std::vector<float> x = {0.f, 1e-30f, 1e-45f, 449.f, 463.99f, 464.f, 480.f, 1e30f, INFINITY, NAN};
  for (int code = 0; code < 0x7e; code++) {
    const float middle = (float)((e4m3_value(code) + e4m3_value(code + 1)) / 2);
    for (float v : {(float)e4m3_value(code), middle, nextafterf(middle, 0.f), nextafterf(middle, 1000.f)}) x.push_back(v);
  }
  for (float v : random_f32(1000, 3.f)) x.push_back(v);
  Dev<float> dx(x);
  Dev<int> codes(x.size()), codesToo(x.size());
  launch(encode_floats, dim3(ceil_div((long)x.size(), 256)), 256, 0, 0, codes.p, codesToo.p, dx.p, (int)x.size());
  LAUNCHED();
  const std::vector<int> gotCodes = codes.get(), otherCodes = codesToo.get();
  for (size_t i = 0; i < x.size(); i++) {
    const int want = e4m3_nearest(x[i]) | e4m3_nearest(-x[i]) << 8;
    expect(gotCodes[i] == want, "encoded", gotCodes[i], want);
    expect(otherCodes[i] == want, "encoded by arithmetic", otherCodes[i], want);
  }
  return summary();
}
