// A device that is not there: memory of the host, streams whose work runs as late as it may, kernels by emulated_launch.
// Work waits in its stream until somebody waits for it, so whoever reads a result too early, or rewrites a pinned buffer too
// early, sees it in the result.
#pragma once
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace emulated_device {

using Work = std::function<cudaError_t()>;

struct Graph {
  std::vector<Work> work;
};

struct Stream {
  std::mutex lock;
  std::deque<Work> work;
  unsigned long added = 0, done = 0;
  Graph* capture = nullptr;

  void add(Work w);
  // Runs what was added up to the given count.
  cudaError_t run(unsigned long until);
};

struct Event {
  Stream* stream = nullptr;
  unsigned long position = 0;
  double micros = 0;  // when the stream came to it
};

// What a test may change: see cudaDeviceSetLimit in runtime.cpp.
struct Settings {
  int major = 8, minor = 0;
  int multiprocessors = 4;
  size_t memoryBytes = size_t(3) << 30;
  long failAfterLaunches = -1;  // this many kernels run, then the device is broken
  int driverVersion = 13000;
  int sharedBytes = 227 << 10;
};

extern Settings settings;
extern std::mutex deviceLock;
extern size_t allocatedBytes;
extern long numLaunches;
// Once a kernel has faulted every call fails, as on a real device.
extern cudaError_t sticky;

cudaError_t failed(cudaError_t code);

}  // namespace emulated_device
