// A tensor map as the emulator keeps it in the 128 bytes of a CUtensorMap: bf16, up to four dimensions, 128-byte swizzle.
#pragma once
#include <cuda.h>
#include <stdint.h>
#include <string.h>

namespace emulated {

struct TensorMap {
  const uint16_t* p;
  uint32_t rank, dims[4], box[4];
  uint64_t strides[4];  // bytes
};
static_assert(sizeof(TensorMap) <= sizeof(CUtensorMap), "");

// cuTensorMapEncodeTiled: refuses what the driver refuses, and what the emulator cannot do.
inline CUresult encode_map(CUtensorMap* to, CUtensorMapDataType type, cuuint32_t rank, void* p, const cuuint64_t* dims,
                           const cuuint64_t* strides, const cuuint32_t* box, const cuuint32_t* steps, CUtensorMapInterleave interleave,
                           CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill) {
  TensorMap m = {(const uint16_t*)p, rank, {1, 1, 1, 1}, {1, 1, 1, 1}, {2, 0, 0, 0}};
  bool good = type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 && rank >= 1 && rank <= 4 && (uintptr_t)p % 16 == 0 && (uintptr_t)to % 64 == 0 &&
              interleave == CU_TENSOR_MAP_INTERLEAVE_NONE && swizzle == CU_TENSOR_MAP_SWIZZLE_128B && box[0] * 2 <= 128 &&
              box[0] % 8 == 0 && fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE;
  for (unsigned i = 0; good && i < rank; i++) {
    good &= dims[i] >= 1 && dims[i] <= 1ull << 32 && box[i] >= 1 && box[i] <= 256 && steps[i] == 1;
    m.dims[i] = (uint32_t)dims[i];
    m.box[i] = box[i];
    if (i) good &= strides[i - 1] % 16 == 0, m.strides[i] = strides[i - 1];
  }
  if (!good) return CUDA_ERROR_INVALID_VALUE;
  memset((void*)to, 0, sizeof *to);
  memcpy((void*)to, &m, sizeof m);
  return CUDA_SUCCESS;
}

}  // namespace emulated
