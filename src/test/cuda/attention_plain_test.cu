// The plain attention kernel against double precision, and the rope table against the host's cosine and sine.
#include "launch.cuh"
#include "../../main/cuda/attention_plain.cu"
#include "../../main/cuda/rope_table.cu"
#include "attention_case.cuh"

static void check(const Shape& s, const std::vector<int>& lens, const std::vector<int>& rows) {
  Batch b(s, lens, rows);
  const std::vector<int> wanted(lens.size(), 1);
  Dev<bf16> out((size_t)(b.cu.back() + 1) * b.outStride);
  const dim3 grid(b.cu.back(), s.numHeads());
  if (s.fp8)
    launch(paged_attention_plain_fp8, grid, 128, 0, 0, out.p, b.outStride, b.dQ->p, b.qStride, b.k8(), b.v8(), s.blockSize,
           b.dCu->p, b.dLens->p, b.dTableStart->p, b.dTables->p, (int)lens.size(), s.numHeads(), s.numKvHeads, s.D,
           b.kernel_scale(), s.window, s.softCap, b.sinks_or_null(), VALUE_SCALE);
  else
    launch(paged_attention_plain_bf16, grid, 128, 0, 0, out.p, b.outStride, b.dQ->p, b.qStride, b.dK->p, b.dV->p, s.blockSize,
           b.dCu->p, b.dLens->p, b.dTableStart->p, b.dTables->p, (int)lens.size(), s.numHeads(), s.numKvHeads, s.D, b.scale,
           s.window, s.softCap, b.sinks_or_null());
  LAUNCHED();
  char what[120];
  snprintf(what, sizeof what, "plain %s D %d block %d kv %d group %d window %d cap %g sinks %d", s.fp8 ? "fp8" : "bf16", s.D, s.blockSize, s.numKvHeads, s.group,
           s.window, s.softCap, s.sinks);
  const double e = b.error(out.get(), b.reference(wanted), wanted);
  expect(e < 4e-3, what, e, 4e-3);
}

// The row of a padding sequence of length 0 is written with zeros.
static void check_padding() {
  Batch b({64, 16, 1, 2, 0, 0, false}, {20, 3}, {1, 1});
  b.dLens->put({20, 0});
  Dev<bf16> out((size_t)2 * b.outStride);
  launch(paged_attention_plain_bf16, dim3(2, 2), 128, 0, 0, out.p, b.outStride, b.dQ->p, b.qStride, b.dK->p, b.dV->p, 16, b.dCu->p,
         b.dLens->p, b.dTableStart->p, b.dTables->p, 2, 2, 1, 64, b.scale, 0, 0.f, (const float*)nullptr);
  LAUNCHED();
  const std::vector<bf16> got = out.get();
  bool good = true;
  for (int i = 0; i < 128; i++) good = good && __bfloat162float(got[b.outStride + i]) == 0.f && !isnan(__bfloat162float(got[i]));
  expect(good, "plain: a padding row is zero", 0, 1);
}

static void check_table(int pairs, long positions, float scale, float growth = 0, int period = 0) {
  std::vector<float> frequencies(pairs);
  for (int i = 0; i < pairs; i++) frequencies[i] = (float)pow(10000., -(double)i / pairs);
  Dev<float> f(frequencies), table(positions * 2 * pairs + 4);
  launch(rope_table_f32, dim3(3), 256, 0, 0, table.p, f.p, scale, growth, period, pairs, positions);
  LAUNCHED();
  const std::vector<float> got = table.get();
  double worst = 0;
  for (long p = 0; p < positions; p++)
    for (int i = 0; i < pairs; i++) {
      const float s = scale * (float)(period > 0 ? 1 + growth * log(1 + floor((double)p / period)) : 1);
      const double angle = (float)((float)p * frequencies[i]);
      worst = std::max(worst, (double)fabs(got[p * 2 * pairs + i] - (float)((float)cos(angle) * s)));
      worst = std::max(worst, (double)fabs(got[(p * 2 + 1) * pairs + i] - (float)((float)sin(angle) * s)));
    }
  bool guard = true;
  for (size_t i = positions * 2 * pairs; i < got.size(); i++) guard = guard && untouched(got[i]);
  expect(worst < 2e-7 * scale && guard, "rope table", worst, 2e-7 * scale);
}

int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "bench")) return 0;
  const bool small = argc > 1 && !strcmp(argv[1], "small");
  const std::vector<int> lens = small ? std::vector<int>{1, 17, 0, 50} : std::vector<int>{1, 2, 17, 64, 65, 130, 0, 200, 333};
  const std::vector<int> rows = small ? std::vector<int>{1, 5, 0, 3} : std::vector<int>{1, 1, 17, 64, 3, 130, 0, 1, 150};
  for (int D : {24, 64, 72, 96, 128, 256, 512}) {
    check({D, 16, 2, 3, 0, 0, false}, lens, rows);
    check({D, 32, 1, 2, 7, 0, true}, lens, rows);
    check({D, 64, 2, 1, 0, 20.f, D % 64 == 0}, lens, rows);
    check({D, 16, 2, 3, 0, 0, false, true}, lens, rows);
    check({D, 32, 1, 2, 7, 20.f, true, true}, lens, rows);
  }
  check_padding();
  check_table(32, 100, 1.f);
  check_table(5, small ? 77 : 5000, 1.25f);
  check_table(6, small ? 77 : 5000, 1.25f, 0.1f, 16);
  return summary();
}
