// Sampling on the host, bit for bit as the Java classes of kernel.cpu do it: sorts, 64-bit integer weights.
#pragma once
#include <math.h>
#include <string.h>
#include <algorithm>
#include <numeric>
#include <vector>

typedef unsigned long long u64;

struct Row {
  float temperature = 1, topP = 1, minP = 0;
  int topK = 0;
  u64 seed = 0, counter = 0;
  float repetition = 1, frequency = 0, presence = 0;
  int num_prompt = 0;
  std::vector<int> tokens, allowed, banned, bias_ids, mask;
  std::vector<float> biases;
  bool limits_allowed = false, has_mask = false;
  int num_logprobs = -1;

  bool masks() const { return limits_allowed || !banned.empty() || has_mask; }
  bool penalizes() const { return !tokens.empty() && (repetition != 1 || frequency != 0 || presence != 0); }
  bool adjusts() const { return masks() || !bias_ids.empty() || penalizes(); }
};

static unsigned bits_of(float x) {
  unsigned b;
  memcpy(&b, &x, 4);
  return b;
}

static float float_of(unsigned b) {
  float x;
  memcpy(&x, &b, 4);
  return x;
}

static float host_exp(float x) {
  if (x < -87.f) return 0;
  float shifted = fmaf(x, 1.44269504f, 12582912.f);
  volatile float n = shifted - 12582912.f;
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = fmaf(1.9875691500e-4f, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  volatile float square = r * r;
  p = fmaf(p, square, r) + 1.f;
  return float_of(bits_of(p) + (bits_of(shifted) << 23));
}

static u64 host_philox(u64 key, u64 counter) {
  unsigned k0 = key, k1 = key >> 32, c0 = counter, c1 = counter >> 32, c2 = 0, c3 = 0;
  for (int round = 0; round < 10; round++) {
    u64 p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    c0 = (unsigned)(p1 >> 32) ^ c1 ^ k0;
    c1 = p1;
    c2 = (unsigned)(p0 >> 32) ^ c3 ^ k1;
    c3 = p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c0 | (u64)c1 << 32;
}

static bool has_nan(const std::vector<float>& x) {
  for (float v : x)
    if (v != v) return true;
  return false;
}

static void host_adjust(std::vector<float>& x, const Row& row) {
  int n = x.size();
  if (row.limits_allowed) {
    std::vector<char> keep(n);
    for (int id : row.allowed)
      if (id < n) keep[id] = 1;
    for (int i = 0; i < n; i++) x[i] = keep[i] ? x[i] : -INFINITY;
  }
  for (int id : row.banned)
    if (id < n) x[id] = -INFINITY;
  for (size_t i = 0; i < row.bias_ids.size(); i++)
    if (row.bias_ids[i] < n) x[row.bias_ids[i]] += row.biases[i];
  if (row.penalizes()) {
    std::vector<int> seen(n), generated(n);
    for (size_t i = 0; i < row.tokens.size(); i++) {
      if (row.tokens[i] >= n) continue;
      seen[row.tokens[i]] = 1;
      generated[row.tokens[i]] += (int)i >= row.num_prompt;
    }
    for (int i = 0; i < n; i++) {
      if (!seen[i]) continue;
      volatile float value = x[i];
      if (row.repetition != 1.f) value = value > 0 ? value / row.repetition : value * row.repetition;
      if (generated[i] > 0) {
        volatile float product = row.frequency * generated[i];
        value = value - product;
        value = value - row.presence;
      }
      x[i] = value;
    }
  }
  if (row.has_mask)
    for (int i = 0; i < n; i++)
      if (!((unsigned)row.mask[i / 32] >> (i % 32) & 1)) x[i] = -INFINITY;
}

// Ids by falling value, then rising id.
static std::vector<int> best_first(const std::vector<float>& x, int count) {
  std::vector<int> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  auto better = [&](int a, int b) { return x[a] > x[b] || (x[a] == x[b] && a < b); };
  if (count < (int)x.size() / 8) {
    std::partial_sort(order.begin(), order.begin() + count, order.end(), better);
  } else {
    std::sort(order.begin(), order.end(), better);
  }
  return order;
}

static int host_draw(const std::vector<float>& x, const Row& row) {
  int n = x.size(), best = 0;
  for (int i = 1; i < n; i++) best = x[i] > x[best] ? i : best;
  float max = x[best];
  if (max == -INFINITY) return -1;
  if (row.temperature == 0) return best;
  float inverse = 1.f / row.temperature;
  std::vector<u64> weights(n);
  for (int i = 0; i < n; i++) {
    volatile float difference = x[i] - max;
    float e = max == INFINITY ? (x[i] == max ? 1.f : 0.f) : host_exp(difference * inverse);
    weights[i] = (u64)rint(e * 0x1p34);
    if (weights[i] * 0x1p-34 < row.minP) weights[i] = 0;
  }
  std::vector<int> order;
  if ((row.topK > 0 && row.topK < n) || row.topP < 1) order = best_first(x, n);
  if (row.topK > 0 && row.topK < n) {
    float kth = x[order[row.topK - 1]];
    for (int i = 0; i < n; i++) weights[i] = x[i] >= kth ? weights[i] : 0;
  }
  if (row.topP < 1) {
    u64 total = std::accumulate(weights.begin(), weights.end(), 0ull), kept = 0;
    double target = row.topP * (total * 0x1p-34);
    for (int id : order) {
      if (kept * 0x1p-34 >= target) weights[id] = 0;
      kept += weights[id];
    }
  }
  u64 total = std::accumulate(weights.begin(), weights.end(), 0ull);
  u64 left = (u64)((unsigned __int128)host_philox(row.seed, row.counter) * total >> 64);
  int id = 0;
  while (left >= weights[id]) left -= weights[id++];
  return id;
}

struct Report {
  int rank = 0;
  double logprob = NAN;
  std::vector<int> top_ids;
  std::vector<double> top_logprobs;
};

static Report host_report(const std::vector<float>& raw, int id, int num_top) {
  Report report;
  if (id < 0 || has_nan(raw)) return report;
  double max = *std::max_element(raw.begin(), raw.end()), total = 0;
  for (float v : raw) total += v == max ? 1 : exp(v - max);
  auto logprob = [&](float v) { return (v == max ? 0 : v - max) - log(total); };
  report.rank = 1;
  for (float v : raw) report.rank += v > raw[id];
  report.logprob = logprob(raw[id]);
  int n = std::min<int>(num_top, raw.size());
  std::vector<int> order = best_first(raw, n);
  for (int i = 0; i < n; i++) {
    report.top_ids.push_back(order[i]);
    report.top_logprobs.push_back(logprob(raw[order[i]]));
  }
  return report;
}
