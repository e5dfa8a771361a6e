// Launches as the product does: with programmatic dependent launch, on a stream that may be capturing.
#pragma once
#include <utility>
#include "check.cuh"

template <typename... P, typename... A>
static void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream, A... args) {
  if (shared > 48 * 1024) CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared));
  cudaLaunchAttribute pdl[1];
  pdl[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  pdl[0].val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  config.attrs = pdl;
  config.numAttrs = 1;
  CUDA(cudaLaunchKernelEx(&config, kernel, static_cast<P>(args)...));
}

static int ceil_div(long a, long b) { return (int)((a + b - 1) / b); }

// Same bits, NaN included.
template <typename T>
static bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <typename T>
static bool untouched(const T& v) {
  unsigned char bytes[sizeof(T)];
  memcpy(bytes, &v, sizeof(T));
  for (unsigned char b : bytes)
    if (b != 0xff) return false;
  return true;
}
