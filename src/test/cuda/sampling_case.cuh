// Random rows and what the host side of the sampling kernels does: scratch, launches.
#pragma once
#include "check.cuh"
#include "../../main/cuda/sampling.cu"
#include "../../main/cuda/sampling_select.cu"
#include "../../main/cuda/logit_adjust.cu"
#include "../../main/cuda/logprobs.cu"
#include "sampling_reference.h"

using namespace sampling;

static bool dependent = false;  // launched with the PDL attribute

template <typename... P, typename... A>
static void launch(void (*kernel)(P...), dim3 grid, size_t shared, cudaStream_t stream, A... args) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(THREADS);
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = dependent;
  CUDA(cudaLaunchKernelEx(&config, kernel, P(args)...));
}

// What the host side of the kernels owns.
struct Sampling {
  static constexpr int MAX_ROWS = 528;
  int vocab, tiles, max_rows;
  Dev<SamplingState> states;
  Dev<unsigned> counts, arrivals;
  Dev<u64> sums, list, chunk_sums, part_keys;
  Dev<LogprobPart> parts;

  Sampling(int vocab, int max_rows)
      : vocab(vocab), tiles((vocab + TILE - 1) / TILE), max_rows(max_rows), states(max_rows), counts(528 * NUM_BINS),
        arrivals(max_rows), sums(528 * NUM_BINS), list((size_t)max_rows * MAX_RANGE),
        chunk_sums((size_t)max_rows * ((vocab + CHUNK - 1) / CHUNK)), part_keys((size_t)max_rows * tiles * MAX_TOP),
        parts((size_t)max_rows * tiles) {
    CUDA(cudaMemset(states.p, 0, max_rows * sizeof(SamplingState)));
    CUDA(cudaMemset(arrivals.p, 0, max_rows * 4));
    CUDA(cudaFuncSetAttribute(logit_adjust_f32, cudaFuncAttributeMaxDynamicSharedMemorySize, 65536));
  }

  int splits(int rows) const { return std::max(1, std::min(tiles, 528 / rows)); }

  void sample(const float* logits, int stride, int rows, const SamplingRow* params, int* ids, int* last, bool greedy,
              bool filters, cudaStream_t s = 0) {
    dim3 grid(splits(rows), rows);
    launch(sampling_max_f32, grid, 0, s, logits, stride, vocab, params, states.p, ids, last);
    if (greedy) return;
    if (filters) {
      launch(sampling_histogram_f32, grid, 0, s, logits, stride, vocab, params, states.p, counts.p, sums.p);
      launch(sampling_select_f32, grid, 0, s, logits, stride, vocab, params, states.p, list.p, chunk_sums.p);
    }
    launch(sampling_draw_f32, grid, 0, s, logits, stride, vocab, params, states.p, chunk_sums.p, ids, last);
  }
};

static SamplingRow device_row(const Row& row, int slot) {
  return {row.temperature, row.topP, row.minP, row.topK, row.seed, row.counter, slot, 0};
}

static int uniform(int n) { return (int)(rng() % n); }
static float unit() { return (rng() >> 40) * 0x1p-24f; }

static std::vector<float> random_logits(int n) {
  const float spreads[] = {0.f, 0.1f, 1.f, 4.f, 20.f};
  float spread = spreads[uniform(5)];
  int rounding = uniform(4);
  std::vector<float> x = random_f32(n, spread);
  for (float& v : x) {
    v -= uniform(50) == 0 ? 3.f : 0.f;
    if (rounding == 1) v = roundf(v);
    if (rounding == 2) v = __bfloat162float(__float2bfloat16(v));
  }
  switch (uniform(16)) {
    case 0: for (float& v : x) v = uniform(3) ? -INFINITY : v; break;
    case 1: for (int i = 0; i < 3; i++) x[uniform(n)] = INFINITY; break;
    case 2: x[uniform(n)] = uniform(2) ? NAN : -NAN; break;
    case 3: for (float& v : x) v = -INFINITY; break;
    case 4: for (float& v : x) v = uniform(2) ? -0.f : 0.f; break;
    case 5: x[uniform(n)] += 30; break;
  }
  return x;
}

static std::vector<int> random_ids(int count, int below) {
  std::vector<int> ids(count);
  for (int& id : ids) id = uniform(below);
  return ids;
}

static Row random_row(int n) {
  const float temperatures[] = {0.f, 1.f, 0.01f, 0.7f, 2.f, 1.f};
  Row row;
  row.temperature = temperatures[uniform(6)];
  row.topP = uniform(2) ? 1.f : std::max(1e-4f, unit());
  int ks[] = {1 + uniform(2 * n), 1 + uniform(std::min(n, 100)), n, 1};
  row.topK = uniform(2) ? 0 : ks[uniform(4)];
  row.minP = uniform(3) ? 0.f : unit() * (uniform(2) ? 1.f : 0.05f);
  row.seed = rng();
  row.counter = uniform(10000);
  if (uniform(3) == 0) row.num_logprobs = uniform(3) == 0 ? 0 : uniform(21);
  return row;
}

static void random_adjustments(Row& row, int n) {
  if (uniform(3) == 0) {
    row.repetition = 0.5f + unit();
    row.frequency = unit() * 4 - 2;
    row.presence = unit() * 4 - 2;
    row.tokens = random_ids(uniform(uniform(4) ? 300 : 20000), n + 1);
    row.num_prompt = uniform((int)row.tokens.size() + 1);
  }
  if (uniform(4) == 0) row.banned = random_ids(3, n + 2);
  if (uniform(4) == 0) {
    row.limits_allowed = true;
    row.allowed = random_ids(uniform(9), n + 1);
  }
  if (uniform(4) == 0) {
    row.bias_ids = random_ids(1 + uniform(uniform(2) ? 3 : 700), n + 1);
    for (size_t i = 0; i < row.bias_ids.size(); i++) row.biases.push_back(unit() * 200 - 100);
  }
  if (uniform(4) == 0) {
    row.has_mask = true;
    for (int i = 0; i < (n + 31) / 32; i++) row.mask.push_back(uniform(3) == 0 ? (int)rng() : uniform(2) - 1);
  }
}
