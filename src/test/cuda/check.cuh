// Support of the kernel tests: errors end the program, random data, comparison with a reference in double.
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#define CUDA(call)                                                                                          \
  do {                                                                                                      \
    cudaError_t code_ = (call);                                                                             \
    if (code_ != cudaSuccess) {                                                                             \
      printf("FAILED %s:%d %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(code_));                \
      exit(2);                                                                                              \
    }                                                                                                       \
  } while (0)

#define LAUNCHED()                \
  do {                            \
    CUDA(cudaGetLastError());     \
    CUDA(cudaDeviceSynchronize()); \
  } while (0)

static int num_passed = 0, num_failed = 0;

// Counts and prints; a failed check does not end the program.
static void expect(bool ok, const char* what, double got, double limit) {
  (ok ? num_passed : num_failed)++;
  if (!ok) printf("FAILED %s: %g, limit %g\n", what, got, limit);
}

static int summary() {
  printf("%d passed, %d failed\n", num_passed, num_failed);
  return num_failed ? 1 : 0;
}

// Device memory of a test, filled with 0xff (NaN) until written.
template <typename T>
struct Dev {
  T* p = nullptr;
  size_t n;
  explicit Dev(size_t n) : n(n) {
    CUDA(cudaMalloc((void**)&p, std::max<size_t>(1, n) * sizeof(T)));
    poison();
  }
  explicit Dev(const std::vector<T>& v) : Dev(v.size()) { put(v); }
  Dev(const Dev&) = delete;
  ~Dev() { cudaFree(p); }
  void poison() { CUDA(cudaMemset((void*)p, 0xff, n * sizeof(T))); }
  void put(const std::vector<T>& v) { CUDA(cudaMemcpy((void*)p, v.data(), v.size() * sizeof(T), cudaMemcpyHostToDevice)); }
  std::vector<T> get() const {
    std::vector<T> v(n);
    CUDA(cudaMemcpy(v.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost));
    return v;
  }
};

static std::mt19937_64 rng(42);

static std::vector<__nv_bfloat16> random_bf16(size_t n, float scale) {
  std::normal_distribution<float> d(0, scale);
  std::vector<__nv_bfloat16> v(n);
  for (auto& x : v) x = __float2bfloat16(d(rng));
  return v;
}

static std::vector<float> random_f32(size_t n, float scale) {
  std::normal_distribution<float> d(0, scale);
  std::vector<float> v(n);
  for (auto& x : v) x = d(rng);
  return v;
}

// What an FP8 E4M3 code stands for, by its formula.
static double e4m3_value(int code) {
  const int exponent = code >> 3 & 15, fraction = code & 7;
  if ((code & 0x7f) == 0x7f) return NAN;
  const double size = exponent ? ldexp(8 + fraction, exponent - 10) : ldexp(fraction, -9);
  return code & 0x80 ? -size : size;
}

// The code nearest to x, the even one of two; ±448 beyond it. By search among all.
static int e4m3_nearest(double x) {
  if (x != x) return 0x7f;
  int best = 0;
  for (int code = 1; code < 0x7f; code++) {
    const double e = fabs(e4m3_value(code) - fabs(x)), least = fabs(e4m3_value(best) - fabs(x));
    if (e < least || (e == least && code % 2 == 0)) best = code;
  }
  return best | (signbit(x) ? 0x80 : 0);
}

// |got - want| / |want| over all elements; infinite when one is NaN.
static double relative_error(const std::vector<double>& got, const std::vector<double>& want) {
  double num = 0, den = 0;
  for (size_t i = 0; i < want.size(); i++) {
    if (!(got[i] == got[i])) return INFINITY;
    num += (got[i] - want[i]) * (got[i] - want[i]);
    den += want[i] * want[i];
  }
  return sqrt(num / (den > 0 ? den : 1));
}

// Median microseconds of one call, from replays of a graph of `n` calls; `call(i)` launches on the stream.
static double time_us(int n, const std::function<void(int, cudaStream_t)>& call, int reps = 15) {
  cudaStream_t s;
  cudaGraph_t g;
  cudaGraphExec_t x;
  cudaEvent_t a, b;
  CUDA(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  CUDA(cudaEventCreate(&a));
  CUDA(cudaEventCreate(&b));
  CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < n; i++) call(i, s);
  CUDA(cudaStreamEndCapture(s, &g));
  CUDA(cudaGraphInstantiate(&x, g, 0));
  std::vector<double> t;
  for (int i = 0; i < reps + 2; i++) {
    CUDA(cudaEventRecord(a, s));
    CUDA(cudaGraphLaunch(x, s));
    CUDA(cudaEventRecord(b, s));
    CUDA(cudaStreamSynchronize(s));
    float ms;
    CUDA(cudaEventElapsedTime(&ms, a, b));
    if (i >= 2) t.push_back(ms * 1e3 / n);
  }
  CUDA(cudaGraphExecDestroy(x));
  CUDA(cudaGraphDestroy(g));
  CUDA(cudaStreamDestroy(s));
  std::sort(t.begin(), t.end());
  return t[t.size() / 2];
}
