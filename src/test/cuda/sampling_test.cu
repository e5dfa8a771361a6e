// Sampling kernels against the host reference and what Java's CPU sampling printed; `bench` times, `small` is for
// compute-sanitizer, `few` for emulation: all vocabularies, few rows.
#include "sampling_case.cuh"
#include "sampling_table.h"

static bool same_bits(const float* a, const float* b, int n) { return memcmp(a, b, n * sizeof(float)) == 0; }

// One step: adjust, sample, log-probabilities; everything compared.
static void check_step(Sampling& device, int stride, int num_rows, bool adjusting, bool edges = true) {
  int n = device.vocab;
  char what[200];
  std::vector<float> logits((size_t)num_rows * stride, NAN);
  std::vector<Row> rows;
  std::vector<std::vector<float>> raws;
  std::vector<SamplingRow> params;
  std::vector<AdjustRow> adjusts;
  std::vector<LogprobRow> wanted;
  std::vector<int> data;
  auto append = [&](const auto& list) {
    int start = data.size();
    for (auto v : list) {
      int word;
      memcpy(&word, &v, 4);
      data.push_back(word);
    }
    return start;
  };
  int num_raw = 0;
  bool greedy = true, filters = false;
  for (int r = 0; r < num_rows; r++) {
    Row row = random_row(n);
    if (adjusting && uniform(2)) random_adjustments(row, n);
    raws.push_back(random_logits(n));
    std::copy(raws[r].begin(), raws[r].end(), logits.begin() + (size_t)r * stride);
    params.push_back(device_row(row, uniform(4) ? 3 * r : -1));
    bool keeps_raw = row.num_logprobs >= 0 && row.adjusts();
    if (row.adjusts()) {
      AdjustRow a = {};
      a.row = r;
      a.rawRow = keeps_raw ? num_raw : -1;
      a.repetition = row.repetition;
      a.frequency = row.frequency;
      a.presence = row.presence;
      a.numPromptTokens = row.num_prompt;
      a.numTokens = row.penalizes() ? row.tokens.size() : 0;
      a.tokens = append(row.tokens);
      a.numAllowed = row.limits_allowed ? (int)row.allowed.size() : -1;
      a.allowed = append(row.allowed);
      a.numBanned = row.banned.size();
      a.banned = append(row.banned);
      a.numBias = row.bias_ids.size();
      a.bias = append(row.bias_ids);
      append(row.biases);
      a.mask = row.has_mask ? append(row.mask) : -1;
      adjusts.push_back(a);
    }
    if (row.num_logprobs >= 0) {
      wanted.push_back({r, keeps_raw ? num_raw++ : -1, std::min(row.num_logprobs, n), 0});
    }
    greedy &= row.temperature == 0;
    filters |= row.topK > 0 || row.topP < 1;
    rows.push_back(row);
  }
  data.push_back(0);
  Dev<float> x(logits), raw((size_t)std::max(1, num_raw) * stride);
  Dev<SamplingRow> device_params(params);
  Dev<AdjustRow> device_adjusts(adjusts);
  Dev<int> device_data(data), ids(num_rows), last(3 * num_rows);
  if (!adjusts.empty()) {
    launch(logit_adjust_f32, dim3(device.tiles, adjusts.size()), 65536, 0, x.p, stride, n, device_adjusts.p,
           device_data.p, raw.p, stride);
  }
  device.sample(x.p, stride, num_rows, device_params.p, ids.p, last.p, greedy, filters);
  int top_stride = 20;
  Dev<LogprobRow> device_wanted(wanted);
  Dev<LogprobResult> results(wanted.size());
  Dev<int> top_ids(wanted.size() * top_stride);
  Dev<float> top_logprobs(wanted.size() * top_stride);
  if (!wanted.empty()) {
    launch(logprobs_f32, dim3(device.tiles, wanted.size()), 128 * top_stride, 0, x.p, stride, raw.p, stride, n,
           device_wanted.p, ids.p, device.arrivals.p, device.parts.p, device.part_keys.p, top_stride, results.p,
           top_ids.p, top_logprobs.p);
  }
  LAUNCHED();

  std::vector<float> got_x = x.get();
  std::vector<int> got_ids = ids.get(), got_last = last.get();
  for (int r = 0, asked = 0; r < num_rows; r++) {
    const Row& row = rows[r];
    std::vector<float> adjusted = raws[r];
    host_adjust(adjusted, row);
    int id = has_nan(raws[r]) || has_nan(adjusted) ? -1 : host_draw(adjusted, row);
    snprintf(what, sizeof what, "id of row %d of %d, vocab %d, t %g topP %g topK %d minP %g: want %d", r, num_rows, n,
             row.temperature, row.topP, row.topK, row.minP, id);
    expect(got_ids[r] == id, what, got_ids[r], id);
    bool slots = got_last[3 * r] == (params[r].slot < 0 ? -1 : id) && got_last[3 * r + 1] == -1;
    expect(slots, "last sampled", got_last[3 * r], id);
    const float* got_row = &got_x[(size_t)r * stride];
    if (!has_nan(raws[r]) && !has_nan(adjusted)) {
      snprintf(what, sizeof what, "adjusted logits of row %d, vocab %d", r, n);
      expect(same_bits(got_row, adjusted.data(), n), what, 0, 0);
    }
    for (int i = n; i < stride; i++) expect(got_row[i] != got_row[i], "column beyond the vocabulary", got_row[i], 0);
    if (row.num_logprobs < 0) continue;
    Report report = host_report(raws[r], id, row.num_logprobs);
    LogprobResult result = results.get()[asked];
    snprintf(what, sizeof what, "rank of row %d, vocab %d", r, n);
    expect(result.rank == report.rank, what, result.rank, report.rank);
    auto close = [&](double got, double want) {
      bool ok = isfinite(want) ? fabs(got - want) < 1e-5 * std::max(1.0, fabs(want)) : isnan(want) ? isnan(got) : got == want;
      expect(ok, "logprob", got, want);
    };
    close(result.logprob, report.logprob);
    for (size_t i = 0; i < report.top_ids.size(); i++) {
      int top = top_ids.get()[asked * top_stride + i];
      snprintf(what, sizeof what, "top id %d of row %d, vocab %d", (int)i, r, n);
      expect(top == report.top_ids[i], what, top, report.top_ids[i]);
      close(top_logprobs.get()[asked * top_stride + i], report.top_logprobs[i]);
    }
    asked++;
  }
}

__global__ void exponentials(const float* x, float* e, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) e[i] = exact_exp(x[i]);
}

__global__ void blocks(const u64* in, u64* out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = philox(in[3 * i], in[3 * i + 1]);
}

static void check_table() {
  std::vector<float> x;
  for (auto& pair : EXPONENTIALS) x.push_back(float_of(pair[0]));
  Dev<float> in(x), out(x.size());
  launch(exponentials, dim3((x.size() + THREADS - 1) / THREADS), 0, 0, in.p, out.p, (int)x.size());
  LAUNCHED();
  std::vector<float> e = out.get();
  for (size_t i = 0; i < x.size(); i++) {
    expect(bits_of(e[i]) == EXPONENTIALS[i][1], "exp", e[i], float_of(EXPONENTIALS[i][1]));
    expect(bits_of(host_exp(x[i])) == EXPONENTIALS[i][1], "host exp", host_exp(x[i]), float_of(EXPONENTIALS[i][1]));
  }
  int n = sizeof BLOCKS / sizeof BLOCKS[0];
  Dev<u64> block_in(std::vector<u64>(&BLOCKS[0][0], &BLOCKS[0][0] + 3 * n)), block_out(n);
  launch(blocks, dim3((n + THREADS - 1) / THREADS), 0, 0, block_in.p, block_out.p, n);
  LAUNCHED();
  for (int i = 0; i < n; i++) expect(block_out.get()[i] == BLOCKS[i][2], "philox", i, 0);
}

// The logits of the Java class SamplingTable.
static float table_logit(int seed, int i, int shift) {
  unsigned h = (unsigned)seed * 0x9E3779B9u ^ (unsigned)i * 0x85EBCA6Bu;
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  h ^= h >> 16;
  int sum = (int)((h & 0x3ff) + (h >> 10 & 0x3ff) + (h >> 20 & 0x3ff)) - 1535;
  return (float)sum / (1 << shift);
}

static void check_draws(int max_vocab) {
  for (auto& draw : DRAWS) {
    if (draw.vocab > max_vocab) continue;
    Sampling device(draw.vocab, 1);
    std::vector<float> x(draw.vocab);
    for (int i = 0; i < draw.vocab; i++) x[i] = table_logit(draw.seed, i, draw.shift);
    Dev<float> logits(x);
    Dev<SamplingRow> params(std::vector<SamplingRow>{
        {draw.temperature, draw.topP, draw.minP, draw.topK, draw.key, draw.counter, -1, 0}});
    Dev<int> id(1);
    device.sample(logits.p, draw.vocab, 1, params.p, id.p, nullptr, false, true);
    LAUNCHED();
    expect(id.get()[0] == draw.id, "id that Java drew", id.get()[0], draw.id);
  }
}

// Chi squared of 200000 draws with as many counters.
static void check_distribution() {
  int n = 40, per_step = 500, steps = 400;
  std::vector<float> x = random_f32(n, 1), all;
  for (int r = 0; r < per_step; r++) all.insert(all.end(), x.begin(), x.end());
  Dev<float> logits(all);
  Dev<int> ids(per_step);
  Sampling device(n, per_step);
  for (int mode = 0; mode < 4; mode++) {
    Row row;
    row.temperature = mode == 1 ? 0.7f : 1.f;
    row.topK = mode == 2 ? 10 : 0;
    row.topP = mode == 3 ? 0.8f : 1.f;
    std::vector<int> order = best_first(x, n), drawn(n);
    std::vector<double> p(n);
    double total = 0, kept = 0;
    for (int id : order) total += p[id] = exp(x[id] / row.temperature);
    for (int i = 0; i < n; i++) {
      double mass = p[order[i]];
      if ((mode == 2 && i >= 10) || (mode == 3 && kept >= 0.8 * total)) p[order[i]] = 0;
      kept += mass;
    }
    total = std::accumulate(p.begin(), p.end(), 0.0);
    for (int step = 0; step < steps; step++) {
      std::vector<SamplingRow> params;
      for (int r = 0; r < per_step; r++) {
        row.seed = 1000 + step / 4;
        row.counter = step % 4 * per_step + r;
        params.push_back(device_row(row, -1));
      }
      Dev<SamplingRow> device_params(params);
      device.sample(logits.p, n, per_step, device_params.p, ids.p, nullptr, false, true);
      LAUNCHED();
      for (int id : ids.get()) drawn[id]++;
    }
    double chi = 0;
    int degrees = -1;
    for (int i = 0; i < n; i++) {
      double expected = (double)per_step * steps * p[i] / total;
      if (p[i] == 0) {
        expect(drawn[i] == 0, "draws of what is left out", drawn[i], 0);
        continue;
      }
      chi += (drawn[i] - expected) * (drawn[i] - expected) / expected;
      degrees++;
    }
    double bound = degrees * pow(1 - 2.0 / (9 * degrees) + 4 * sqrt(2.0 / (9 * degrees)), 3);
    expect(chi < bound && chi > degrees * 0.1, "chi squared", chi, bound);
  }
}

static void bench() {
  int n = 128256;
  Sampling device(n, 256);
  Dev<float> logits((size_t)256 * n);
  Dev<int> ids(256), last(256);
  printf("%-34s %5s %9s %9s %9s\n", "vocab 128256", "rows", "us", "us, PDL", "GB/s");
  for (float spread : {3.f, 0.5f}) {
    std::vector<float> x = random_f32((size_t)256 * n, spread);
    logits.put(x);
    struct Mode { const char* name; Row row; bool greedy, filters; };
    Row plain, top_k, top_p, both, cold;
    top_k.topK = 50;
    top_p.topP = 0.95f;
    both.topK = 50;
    both.topP = 0.9f;
    cold.temperature = 0.6f;
    cold.topP = 0.9f;
    std::vector<Mode> modes = {{"greedy", plain, true, false}, {"temperature 1", plain, false, false},
                               {"top-k 50", top_k, false, true}, {"top-p 0.95", top_p, false, true},
                               {"top-k 50, top-p 0.9", both, false, true},
                               {"temperature 0.6, top-p 0.9", cold, false, true}};
    for (Mode& mode : modes) {
      if (mode.greedy) mode.row.temperature = 0;
      for (int rows : {1, 64, 256}) {
        std::vector<SamplingRow> params;
        for (int r = 0; r < rows; r++) {
          mode.row.seed = r;
          params.push_back(device_row(mode.row, r));
        }
        Dev<SamplingRow> device_params(params);
        double us[2];
        for (int pdl = 0; pdl < 2; pdl++) {
          dependent = pdl;
          us[pdl] = time_us(10, [&](int, cudaStream_t s) {
            device.sample(logits.p, n, rows, device_params.p, ids.p, last.p, mode.greedy, mode.filters, s);
          });
        }
        dependent = false;
        char name[80];
        snprintf(name, sizeof name, "%s, sd %g", mode.name, spread);
        printf("%-34s %5d %9.2f %9.2f %9.0f\n", name, rows, us[0], us[1], 4e-3 * rows * n / us[1]);
      }
    }
  }
  std::vector<LogprobRow> wanted;
  for (int r = 0; r < 256; r++) wanted.push_back({r, -1, 20, 0});
  Dev<LogprobRow> device_wanted(wanted);
  Dev<LogprobResult> results(256);
  Dev<int> top_ids(256 * 20);
  Dev<float> top_logprobs(256 * 20);
  for (int rows : {1, 64, 256}) {
    double us = time_us(10, [&](int, cudaStream_t s) {
      launch(logprobs_f32, dim3(device.tiles, rows), 128 * 20, s, logits.p, n, nullptr, 0, n, device_wanted.p, ids.p,
             device.arrivals.p, device.parts.p, device.part_keys.p, 20, results.p, top_ids.p, top_logprobs.p);
    });
    printf("%-34s %5d %9.2f %9s %9.0f\n", "log-probabilities, top 20", rows, us, "", 4e-3 * rows * n / us);
  }
}

int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "bench")) {
    bench();
    return 0;
  }
  bool small = argc > 1 && !strcmp(argv[1], "small"), few = small || (argc > 1 && !strcmp(argv[1], "few"));
  check_table();
  check_draws(small ? 1000 : 200000);
  struct { int vocab, stride, rows, steps; } cases[] = {
      {1, 1, 9, 30},      {2, 2, 40, 10},      {33, 35, 100, 10},     {511, 512, 30, 5},     {1000, 1000, 48, 8},
      {8192, 8192, 16, 4}, {8193, 8195, 16, 4}, {32000, 32000, 40, 4}, {128256, 128256, 20, 3}, {128256, 128256, 1, 6},
      {151936, 151937, 12, 3}, {524288, 524288, 3, 2}};
  for (auto& c : cases) {
    if (small && c.vocab > 10000) continue;
    Sampling device(c.vocab, c.rows);
    for (int step = 0; step < (few ? 2 : c.steps); step++) {
      dependent = step % 2 == 1;
      check_step(device, c.stride, few ? std::min(c.rows, c.vocab > 10000 ? 4 : 12) : c.rows, step % 3 != 0);
    }
  }
  dependent = false;
  if (!few) check_distribution();
  return summary();
}
