// All kernels by name, for programs that launch as cuLaunchKernel does. kernels.inc is made by build.sh.
#include <stdio.h>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include "registry.h"
#include "quire.cu"

using emulated::Kernel;

#define KERNEL(kernel, ...)                                                                                    \
  {#kernel, first(__VA_ARGS__), [](const Kernel& k, dim3 grid, dim3 block, unsigned shared, void** params) { \
     return emulated::launch(k.name, kernel, grid, block, shared, params);                                        \
   },                                                                                                             \
   [](size_t* sizes, int max) { return emulated::parameter_sizes(kernel, sizes, max); }},

// Of the launch bounds.
static constexpr int first(int threads, int = 0) { return threads; }

static const Kernel kernels[] = {
#include "kernels.inc"
};

static const Kernel* find(const char* name) {
  for (const Kernel& k : kernels)
    if (!strcmp(k.name, name)) return &k;
  fprintf(stderr, "FAULT: there is no kernel %s\n", name);
  return nullptr;
}

#define EXPORTED extern "C" __attribute__((visibility("default")))

// All kernels run on one thread of this library's: what is static in the emulator, shared memory above all, belongs to it.
class Processor {
 public:
  int run(const std::function<int()>& work) {
    std::lock_guard<std::mutex> one(turn);
    std::unique_lock<std::mutex> guard(lock);
    if (!started) {
      started = true;
      std::thread([this] { loop(); }).detach();
    }
    todo = &work;
    changed.notify_all();
    changed.wait(guard, [this] { return todo == nullptr; });
    return result;
  }

 private:
  void loop() {
    std::unique_lock<std::mutex> guard(lock);
    for (;;) {
      changed.wait(guard, [this] { return todo != nullptr; });
      result = (*todo)();
      todo = nullptr;
      changed.notify_all();
    }
  }

  std::mutex turn, lock;
  std::condition_variable changed;
  const std::function<int()>* todo = nullptr;
  int result = 0;
  bool started = false;
};

// Never destroyed: its thread waits in it to the end of the program.
static Processor& processor = *new Processor();

// 0, or not when the kernel is unknown, the launch impossible, or a fault was reported.
EXPORTED int emulated_launch(const char* name, const unsigned grid[3], const unsigned block[3], unsigned sharedBytes, void** params) {
  const Kernel* k = find(name);
  if (!k) return 1;
  if ((long)block[0] * block[1] * block[2] > k->maxThreads) {
    fprintf(stderr, "FAULT: %s was compiled for %d threads at most\n", name, k->maxThreads);
    return 1;
  }
  return processor.run([&] {
    return k->launch(*k, dim3(grid[0], grid[1], grid[2]), dim3(block[0], block[1], block[2]), sharedBytes, params);
  });
}

EXPORTED int emulated_has_kernel(const char* name) {
  for (const Kernel& k : kernels)
    if (!strcmp(k.name, name)) return 1;
  return 0;
}

// Bytes of each parameter of a kernel, at most max of them are filled in; their number, or -1 when there is no such kernel.
EXPORTED int emulated_parameter_sizes(const char* name, size_t* sizes, int max) {
  const Kernel* k = find(name);
  return k ? k->parameterSizes(sizes, max) : -1;
}

EXPORTED int emulated_max_blocks_per_multiprocessor(const char* name, int threads, unsigned sharedBytes) {
  const Kernel* k = find(name);
  return k && threads > 0 && threads <= k->maxThreads && sharedBytes <= emulated::SHARED_BYTES;
}

// The name of the i-th kernel, or null behind the last.
EXPORTED const char* emulated_kernel_name(int i) {
  return i >= 0 && i < (int)(sizeof kernels / sizeof kernels[0]) ? kernels[i].name : nullptr;
}

// As cuTensorMapEncodeTiled, for kernels that take a CUtensorMap.
EXPORTED int emulated_encode_tensor_map(CUtensorMap* map, CUtensorMapDataType type, unsigned rank, void* p, const cuuint64_t* dims,
                                        const cuuint64_t* strides, const cuuint32_t* box, const cuuint32_t* elementStrides,
                                        CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion l2,
                                        CUtensorMapFloatOOBfill fill) {
  return emulated::encode_tensor_map(map, type, rank, p, dims, strides, box, elementStrides, interleave, swizzle, l2, fill);
}
