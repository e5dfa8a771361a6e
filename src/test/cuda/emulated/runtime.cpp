// The functions of libcudart that Quire calls, on the device of device.h.
#include "device.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <algorithm>
#include <chrono>

namespace emulated_device {

// QUIRE_EMULATED_FAIL_AFTER=n: after n kernels the device is broken, for whole servers.
static Settings initial() {
  Settings s;
  const char* limit = getenv("QUIRE_EMULATED_FAIL_AFTER");
  if (limit != nullptr) s.failAfterLaunches = atol(limit);
  return s;
}

Settings settings = initial();
std::mutex deviceLock;
size_t allocatedBytes = 0;
long numLaunches = 0;
cudaError_t sticky = cudaSuccess;
static std::map<void*, size_t> allocations;
static thread_local cudaError_t last = cudaSuccess;

static std::vector<Stream*> streams;

// Freeing memory waits for everything, as on a real device.
static void drain() {
  std::vector<Stream*> all;
  {
    std::lock_guard<std::mutex> guard(deviceLock);
    all = streams;
  }
  for (Stream* s : all) s->run(~0ul);
}

cudaError_t failed(cudaError_t code) {
  if (code != cudaSuccess) last = code;
  return code;
}

void Stream::add(Work w) {
  std::lock_guard<std::mutex> guard(lock);
  if (capture != nullptr) {
    capture->work.push_back(std::move(w));
    return;
  }
  work.push_back(std::move(w));
  added++;
}

cudaError_t Stream::run(unsigned long until) {
  std::lock_guard<std::mutex> guard(lock);
  while (done < until && !work.empty()) {
    Work next = std::move(work.front());
    work.pop_front();
    done++;
    if (sticky == cudaSuccess) {
      cudaError_t code = next();
      if (code != cudaSuccess) sticky = code;
    }
  }
  return failed(sticky);
}

}  // namespace emulated_device

using namespace emulated_device;

// Control by tests: limits that no device has. 0x7fff0000 + n sets what n says.
extern "C" cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t value) {
  switch ((int)limit - 0x7fff0000) {
    case 0: settings.major = (int)value / 10, settings.minor = (int)value % 10; break;
    case 1: settings.multiprocessors = (int)value; break;
    case 2: settings.memoryBytes = value; break;
    case 3: settings.failAfterLaunches = numLaunches + (long)value; break;
    case 4: settings.failAfterLaunches = -1, sticky = cudaSuccess; break;
    case 6: settings.sharedBytes = (int)value; break;
    case 5: settings.driverVersion = (int)value; break;
    default: return cudaErrorUnsupportedLimit;
  }
  return cudaSuccess;
}

extern "C" cudaError_t cudaSetDevice(int device) { return failed(device == 0 ? sticky : cudaErrorInvalidDevice); }

extern "C" cudaError_t cudaDriverGetVersion(int* version) {
  *version = settings.driverVersion;
  return cudaSuccess;
}

extern "C" cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }

extern "C" cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

extern "C" cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = settings.major; break;
    case cudaDevAttrComputeCapabilityMinor: *value = settings.minor; break;
    case cudaDevAttrMultiProcessorCount: *value = settings.multiprocessors; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = settings.sharedBytes; break;
    default: return failed(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

extern "C" cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  if (sticky != cudaSuccess) return failed(sticky);
  std::lock_guard<std::mutex> guard(deviceLock);
  if (allocatedBytes + bytes > settings.memoryBytes) return failed(cudaErrorMemoryAllocation);
  // What nobody wrote is NaN in every type.
  size_t rounded = (bytes + 255) / 256 * 256;
  void* p = aligned_alloc(256, rounded);
  memset(p, 0xff, rounded);
  allocations[p] = bytes;
  allocatedBytes += bytes;
  *pointer = p;
  return cudaSuccess;
}

extern "C" cudaError_t cudaFree(void* pointer) {
  if (pointer == nullptr) return cudaSuccess;
  drain();
  std::lock_guard<std::mutex> guard(deviceLock);
  auto it = allocations.find(pointer);
  if (it == allocations.end()) return failed(cudaErrorInvalidValue);
  allocatedBytes -= it->second;
  allocations.erase(it);
  free(pointer);
  return cudaSuccess;
}

extern "C" cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  *pointer = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  memset(*pointer, 0xff, bytes);
  return cudaSuccess;
}

extern "C" cudaError_t cudaFreeHost(void* pointer) {
  drain();
  free(pointer);
  return cudaSuccess;
}

extern "C" cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  std::lock_guard<std::mutex> guard(deviceLock);
  *total = settings.memoryBytes;
  *free = settings.memoryBytes - allocatedBytes;
  return failed(sticky);
}

extern "C" cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  Stream* s = new Stream();
  std::lock_guard<std::mutex> guard(deviceLock);
  streams.push_back(s);
  *stream = (cudaStream_t)s;
  return failed(sticky);
}

extern "C" cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  Stream* s = (Stream*)stream;
  s->run(~0ul);
  std::lock_guard<std::mutex> guard(deviceLock);
  streams.erase(std::find(streams.begin(), streams.end(), s));
  delete s;
  return cudaSuccess;
}

extern "C" cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Stream* s = (Stream*)stream;
  if (s->capture != nullptr) return failed(cudaErrorStreamCaptureUnsupported);
  return s->run(s->added);
}

extern "C" cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  if (sticky != cudaSuccess) return failed(sticky);
  ((Stream*)stream)->add([=] {
    memcpy(to, from, bytes);
    return cudaSuccess;
  });
  return cudaSuccess;
}

extern "C" cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  if (sticky != cudaSuccess) return failed(sticky);
  ((Stream*)stream)->add([=] {
    memset(to, value, bytes);
    return cudaSuccess;
  });
  return cudaSuccess;
}

extern "C" cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = (cudaEvent_t) new Event();
  return failed(sticky);
}

extern "C" cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }

extern "C" cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete (Event*)event;
  return cudaSuccess;
}

extern "C" cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Event* e = (Event*)event;
  Stream* s = (Stream*)stream;
  if (s->capture != nullptr) return failed(cudaErrorStreamCaptureUnsupported);
  if (sticky != cudaSuccess) return failed(sticky);
  s->add([e] {
    e->micros = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
    return cudaSuccess;
  });
  e->stream = s;
  e->position = s->added;
  return cudaSuccess;
}

extern "C" cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Event* e = (Event*)event;
  return e->stream == nullptr ? failed(sticky) : e->stream->run(e->position);
}

extern "C" cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaEventSynchronize(event); }

extern "C" cudaError_t cudaEventElapsedTime(float* millis, cudaEvent_t start, cudaEvent_t end) {
  cudaEventSynchronize(start);
  cudaEventSynchronize(end);
  *millis = (float)((((Event*)end)->micros - ((Event*)start)->micros) / 1e3);
  return failed(sticky);
}

extern "C" cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  ((Stream*)stream)->capture = new Graph();
  return failed(sticky);
}

extern "C" cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Stream* s = (Stream*)stream;
  *graph = (cudaGraph_t)s->capture;
  s->capture = nullptr;
  return failed(sticky);
}

extern "C" cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = (cudaGraphExec_t) new Graph(*(Graph*)graph);
  return failed(sticky);
}

extern "C" cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  if (sticky != cudaSuccess) return failed(sticky);
  for (const Work& work : ((Graph*)executable)->work) ((Stream*)stream)->add(work);
  return cudaSuccess;
}

extern "C" cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete (Graph*)graph;
  return cudaSuccess;
}

extern "C" cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete (Graph*)executable;
  return cudaSuccess;
}

extern "C" cudaError_t cudaGetLastError() {
  cudaError_t code = last;
  last = cudaSuccess;
  return code;
}

extern "C" const char* cudaGetErrorName(cudaError_t code) {
  switch (code) {
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    default: return "cudaError";
  }
}

extern "C" const char* cudaGetErrorString(cudaError_t code) {
  switch (code) {
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    default: return "emulated error";
  }
}
