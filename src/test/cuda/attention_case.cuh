// A batch of sequences in a paged cache for the attention tests, and its attention in double precision.
#pragma once
#include <thread>
#include "check.cuh"

struct Shape {
  int D, blockSize, numKvHeads, group, window;
  float softCap;
  bool sinks;
  bool fp8 = false;  // the pages; KEY_SCALE is then part of the scale that the kernel gets
  int numHeads() const { return numKvHeads * group; }
};

// About normal, much faster than std::normal_distribution.
static float quick_random() {
  uint64_t r = rng();
  int sum = (int)(r & 0xffff) + (int)(r >> 16 & 0xffff) + (int)(r >> 32 & 0xffff) + (int)(r >> 48);
  return (sum / 65536.f - 2.f) * 1.732f;
}

static float rounded(__nv_bfloat16& to) {
  to = __float2bfloat16(quick_random());
  return __bfloat162float(to);
}

// No powers of two; values of ordinary size lie in all of the format's binades.
constexpr float KEY_SCALE = 0.0271f, VALUE_SCALE = 0.0103f;

// A random code of about normal distribution, times the scale.
static float random_code(unsigned char& to, float scale) {
  static const std::vector<double> sizes = [] {
    std::vector<double> v;
    for (int code = 0; code < 0x7f; code++) v.push_back(e4m3_value(code));
    return v;
  }();
  const double x = quick_random() / scale;
  const int code = (int)(std::upper_bound(sizes.begin(), sizes.end(), fabs(x)) - sizes.begin()) - 1;
  to = (unsigned char)(code | (x < 0 ? 0x80 : 0));
  return scale * (float)e4m3_value(to);
}

// Calls f(i) for i < n on all cores.
static void parallel(int n, const std::function<void(int)>& f) {
  int count = std::max(1u, std::min(16u, std::thread::hardware_concurrency()));
  std::vector<std::thread> all;
  for (int t = 0; t < count; t++)
    all.emplace_back([=, &f] {
      for (int i = t; i < n; i += count) f(i);
    });
  for (auto& t : all) t.join();
}

// Sequence s has lens[s] tokens, the last rows[s] of which are query rows; unused slots of the cache hold NaN.
struct Batch {
  Shape shape;
  std::vector<int> lens, rows, cu{0}, tableStart{0}, tables;
  std::vector<size_t> keyStart{0};
  std::vector<float> k, v, q, sinks;  // k, v: [token][KV head][D] by sequence; q [row][head][D]
  bool fp8;                           // dK and dV then hold bytes
  int qStride, outStride;
  float scale;
  Dev<__nv_bfloat16>*dK, *dV, *dQ;
  Dev<int>*dLens, *dCu, *dTableStart, *dTables;
  Dev<float>* dSinks;

  Batch(const Shape& shape, const std::vector<int>& lens, const std::vector<int>& rows)
      : shape(shape), lens(lens), rows(rows), fp8(shape.fp8) {
    const int D = shape.D, H = shape.numHeads(), kv = shape.numKvHeads, bs = shape.blockSize;
    for (size_t s = 0; s < lens.size(); s++) {
      cu.push_back(cu.back() + rows[s]);
      keyStart.push_back(keyStart.back() + lens[s]);
      tableStart.push_back(tableStart.back() + (lens[s] + bs - 1) / bs);
    }
    int blocks = tableStart.back() + 3;
    std::vector<int> order(blocks);
    for (int i = 0; i < blocks; i++) order[i] = i;
    std::shuffle(order.begin(), order.end(), rng);
    tables.assign(order.begin(), order.begin() + tableStart.back());
    scale = 1.3f / sqrtf(D);
    qStride = (H + 2 * kv) * D;
    outStride = H * D + 8;
    std::vector<__nv_bfloat16> cacheK((size_t)blocks * kv * bs * D), cacheV(cacheK.size()), qs((size_t)cu.back() * qStride);
    memset((void*)cacheK.data(), 0xff, cacheK.size() * 2);
    memset((void*)cacheV.data(), 0xff, cacheV.size() * 2);
    k.resize(keyStart.back() * kv * D);
    v.resize(k.size());
    for (size_t s = 0; s < lens.size(); s++)
      for (int j = 0; j < lens[s]; j++)
        for (int h = 0; h < kv; h++) {
          size_t from = ((keyStart[s] + j) * kv + h) * D;
          size_t to = (((size_t)tables[tableStart[s] + j / bs] * kv + h) * bs + j % bs) * D;
          for (int d = 0; d < D; d++) {
            k[from + d] = fp8 ? random_code(((unsigned char*)cacheK.data())[to + d], KEY_SCALE) : rounded(cacheK[to + d]);
            v[from + d] = fp8 ? random_code(((unsigned char*)cacheV.data())[to + d], VALUE_SCALE) : rounded(cacheV[to + d]);
          }
        }
    memset((void*)qs.data(), 0xff, qs.size() * 2);
    q.resize((size_t)cu.back() * H * D);
    for (int r = 0; r < cu.back(); r++)
      for (int i = 0; i < H * D; i++) q[(size_t)r * H * D + i] = rounded(qs[(size_t)r * qStride + i]);
    if (shape.sinks) sinks = random_f32(H, 2.f);
    dK = new Dev<__nv_bfloat16>(cacheK);
    dV = new Dev<__nv_bfloat16>(cacheV);
    dQ = new Dev<__nv_bfloat16>(qs);
    dLens = new Dev<int>(lens);
    dCu = new Dev<int>(cu);
    dTableStart = new Dev<int>(tableStart);
    dTables = new Dev<int>(tables);
    dSinks = new Dev<float>(sinks);
  }
  Batch(const Batch&) = delete;
  ~Batch() {
    delete dK;
    delete dV;
    delete dQ;
    delete dLens;
    delete dCu;
    delete dTableStart;
    delete dTables;
    delete dSinks;
  }
  const unsigned char* k8() const { return (const unsigned char*)dK->p; }
  const unsigned char* v8() const { return (const unsigned char*)dV->p; }
  float kernel_scale() const { return fp8 ? scale * KEY_SCALE : scale; }
  const float* sinks_or_null() const { return shape.sinks ? dSinks->p : nullptr; }

  // out [row][head][D]; rows of sequences with wanted[s] == 0 stay zero.
  std::vector<double> reference(const std::vector<int>& wanted) const {
    const int D = shape.D, H = shape.numHeads(), kv = shape.numKvHeads;
    std::vector<double> out((size_t)cu.back() * H * D, 0.0);
    std::vector<std::pair<int, int>> work;
    for (size_t s = 0; s < lens.size(); s++)
      for (int i = 0; wanted[s] && i < rows[s]; i++) work.push_back({(int)s, i});
    parallel((int)work.size() * H, [&](int w) {
      int s = work[w / H].first, i = work[w / H].second, h = w % H, p = lens[s] - rows[s] + i;
      int low = shape.window > 0 ? std::max(0, p - shape.window + 1) : 0;
      const float* qr = &q[((size_t)(cu[s] + i) * H + h) * D];
      double* o = &out[((size_t)(cu[s] + i) * H + h) * D];
      std::vector<double> x(p + 1);
      double top = shape.sinks ? sinks[h] : -INFINITY, sum = 0;
      for (int j = low; j <= p; j++) {
        const float* kr = &k[((keyStart[s] + j) * kv + h / shape.group) * D];
        double dot = 0;
        for (int d = 0; d < D; d++) dot += (double)qr[d] * kr[d];
        x[j] = dot * scale;
        if (shape.softCap > 0) x[j] = shape.softCap * tanh(x[j] / shape.softCap);
        top = std::max(top, x[j]);
      }
      if (shape.sinks) sum = exp(sinks[h] - top);
      for (int j = low; j <= p; j++) {
        const float* vr = &v[((keyStart[s] + j) * kv + h / shape.group) * D];
        double e = exp(x[j] - top);
        sum += e;
        for (int d = 0; d < D; d++) o[d] += e * vr[d];
      }
      for (int d = 0; d < D; d++) o[d] /= sum;
    });
    return out;
  }

  // Largest relative error of a row and head among the wanted sequences; infinite if anything else was written.
  double error(const std::vector<__nv_bfloat16>& got, const std::vector<double>& want, const std::vector<int>& wanted) const {
    const int D = shape.D, H = shape.numHeads();
    std::vector<bool> mine(got.size(), false);
    double worst = 0;
    for (size_t s = 0; s < lens.size(); s++)
      for (int r = cu[s]; wanted[s] && r < cu[s + 1]; r++)
        for (int h = 0; h < H; h++) {
          double num = 0, den = 0;
          for (int d = 0; d < D; d++) {
            size_t i = (size_t)r * outStride + h * D + d;
            double w = want[((size_t)r * H + h) * D + d], e = __bfloat162float(got[i]) - w;
            mine[i] = true;
            num += e * e;
            den += w * w;
          }
          if (!(num == num)) return INFINITY;
          worst = std::max(worst, sqrt(num / den));
        }
    for (size_t i = 0; i < got.size(); i++) {
      uint16_t bits;
      memcpy(&bits, &got[i], 2);
      if (!mine[i] && bits != 0xffff) return INFINITY;
    }
    return worst;
  }
};
