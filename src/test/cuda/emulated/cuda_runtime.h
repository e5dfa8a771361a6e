// The few calls of the CUDA runtime that the kernel tests make, with host memory as the device's. Found before CUDA's own.
#pragma once
#include <stdlib.h>
#include <string.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include "registry.h"

inline cudaError_t& emulated_error() {
  static cudaError_t error = cudaSuccess;
  return error;
}
extern "C" {
inline const char* cudaGetErrorString(cudaError_t) { return "a kernel was stopped, see above"; }
inline cudaError_t cudaGetLastError() { return emulated_error(); }
inline cudaError_t cudaDeviceSynchronize() { return emulated_error(); }
inline cudaError_t cudaMalloc(void** p, size_t n) { return *p = aligned_alloc(256, (n + 255) / 256 * 256), cudaSuccess; }
inline cudaError_t cudaFree(void* p) { return free(p), cudaSuccess; }
inline cudaError_t cudaMemset(void* p, int v, size_t n) { return memset(p, v, n), cudaSuccess; }
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t n, cudaMemcpyKind) { return memcpy(to, from, n), cudaSuccess; }
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t n, cudaMemcpyKind, cudaStream_t) { return memcpy(to, from, n), cudaSuccess; }
inline cudaError_t cudaDeviceGetAttribute(int* v, cudaDeviceAttr, int) { return *v = 4, cudaSuccess; }
inline cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }
// Times mean nothing here: streams run at once, graphs are empty.
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned) { return cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) { return cudaSuccess; }
inline cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t*) { return cudaSuccess; }
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t*, cudaGraph_t, unsigned long long) { return cudaSuccess; }
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }
inline cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; }
inline cudaError_t cudaGetDriverEntryPointByVersion(const char*, void** p, unsigned, unsigned long long, cudaDriverEntryPointQueryResult*) {
  return *p = (void*)emulated::encode_tensor_map, cudaSuccess;  // the only one that tests ask for
}
inline cudaError_t cudaEventCreate(cudaEvent_t*) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) { return *ms = 0, cudaSuccess; }
}
template <typename... P>
cudaError_t cudaFuncSetAttribute(void (*)(P...), cudaFuncAttribute, int) {
  return cudaSuccess;
}

template <typename... P, typename... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* c, void (*kernel)(P...), A... args) {
  std::tuple<std::decay_t<P>...> values(static_cast<P>(args)...);
  void* params[sizeof...(P) + 1];
  emulated::point_at(values, params, std::index_sequence_for<P...>());
  Dl_info info;
  const char* name = dladdr((void*)kernel, &info) && info.dli_sname ? info.dli_sname : "a kernel";
  if (emulated::launch(name, kernel, c->gridDim, c->blockDim, (unsigned)c->dynamicSmemBytes, params)) emulated_error() = cudaErrorLaunchFailure;
  return emulated_error();
}
