// The functions of libcuda that Quire calls: kernels run in the emulator when their stream's work is waited for.
#include "device.h"
#include <stdio.h>
#include <string.h>

// Of the emulator: see launch.h there.
extern "C" int emulated_launch(const char* kernel, const unsigned grid[3], const unsigned block[3], unsigned sharedBytes,
                               void** params);
extern "C" int emulated_parameter_sizes(const char* kernel, size_t* sizes, int max);

extern "C" int emulated_encode_tensor_map(void* map, int type, unsigned rank, void* address, const void* dims,
                                          const void* strides, const void* box, const void* steps, int interleave,
                                          int swizzle, int promotion, int fill);

using namespace emulated_device;

namespace {

struct Function {
  std::string name;
  std::vector<size_t> sizes;
  int maxSharedBytes = 48 << 10;
};

std::map<std::string, std::unique_ptr<Function>> functions;
constexpr int MAX_PARAMETERS = 64;

// A launch keeps the values of its parameters, as a real one does.
struct Launch {
  const Function* function;
  unsigned grid[3], block[3], sharedBytes;
  std::vector<std::vector<unsigned char>> values;

  cudaError_t operator()() const {
    if (settings.failAfterLaunches >= 0 && numLaunches >= settings.failAfterLaunches) return cudaErrorIllegalAddress;
    numLaunches++;
    std::vector<void*> params;
    // Values must be aligned as their types are: a vector's memory is.
    for (const auto& value : values) params.push_back((void*)value.data());
    int code = emulated_launch(function->name.c_str(), grid, block, sharedBytes, params.data());
    if (code != 0) fprintf(stderr, "emulated kernel %s failed: %d\n", function->name.c_str(), code);
    return code == 0 ? cudaSuccess : cudaErrorIllegalAddress;
  }
};

}  // namespace

extern "C" CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  *module = (CUmodule)&functions;
  return image == nullptr ? CUDA_ERROR_INVALID_VALUE : (CUresult)sticky;
}

extern "C" CUresult cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }

extern "C" CUresult cuModuleGetFunction(CUfunction* function, CUmodule, const char* name) {
  std::lock_guard<std::mutex> guard(deviceLock);
  auto& known = functions[name];
  if (!known) {
    size_t sizes[MAX_PARAMETERS];
    int count = emulated_parameter_sizes(name, sizes, MAX_PARAMETERS);
    if (count < 0) {
      functions.erase(name);
      return CUDA_ERROR_NOT_FOUND;
    }
    known.reset(new Function{name, std::vector<size_t>(sizes, sizes + count)});
  }
  *function = (CUfunction)known.get();
  return CUDA_SUCCESS;
}

extern "C" CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  if (attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
    if (value > 227 << 10) return CUDA_ERROR_INVALID_VALUE;
    ((Function*)function)->maxSharedBytes = value;
  }
  return CUDA_SUCCESS;
}

extern "C" CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction, int, size_t) {
  *blocks = 1;
  return CUDA_SUCCESS;
}

extern "C" CUresult cuDeviceGetName(char* name, int length, CUdevice) {
  snprintf(name, length, "emulated device");
  return CUDA_SUCCESS;
}

extern "C" CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                           const cuuint64_t* dims, const cuuint64_t* strides, const cuuint32_t* box,
                                           const cuuint32_t* steps, CUtensorMapInterleave interleave,
                                           CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                           CUtensorMapFloatOOBfill fill) {
  int code = emulated_encode_tensor_map(map, type, rank, address, dims, strides, box, steps, interleave, swizzle, promotion, fill);
  return code == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

extern "C" CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** params, void**) {
  if (sticky != cudaSuccess) return (CUresult)sticky;
  const Function* f = (const Function*)function;
  unsigned threads = config->blockDimX * config->blockDimY * config->blockDimZ;
  bool empty = config->gridDimX == 0 || config->gridDimY == 0 || config->gridDimZ == 0 || threads == 0;
  if (empty || threads > 1024 || config->gridDimY > 65535 || config->gridDimZ > 65535) return CUDA_ERROR_INVALID_VALUE;
  if ((int)config->sharedMemBytes > f->maxSharedBytes) return CUDA_ERROR_INVALID_VALUE;
  Launch launch{f, {config->gridDimX, config->gridDimY, config->gridDimZ},
                {config->blockDimX, config->blockDimY, config->blockDimZ}, config->sharedMemBytes, {}};
  for (size_t i = 0; i < f->sizes.size(); i++) {
    const unsigned char* value = (const unsigned char*)params[i];
    launch.values.emplace_back(value, value + f->sizes[i]);
  }
  ((Stream*)config->hStream)->add(launch);
  return CUDA_SUCCESS;
}
