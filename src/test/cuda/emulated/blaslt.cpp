// The functions of libcublasLt that Quire calls: products of bf16 matrices, f32 sums, on the host.
#include "device.h"
#include <cuda_bf16.h>
#include <string.h>

using namespace emulated_device;

namespace {

struct Layout {
  int type;
  long rows, columns, stride;
};

struct Description {
  int transposeA = 0, epilogue = 1, biasType = -1;
  const void* bias = nullptr;
};

constexpr int R_32F = 0, R_16BF = 14, TRANSA = 3, EPILOGUE = 7, BIAS_POINTER = 8, BIAS_DATA_TYPE = 26, OP_T = 1, EPILOGUE_BIAS = 4;
constexpr int NOT_SUPPORTED = 15;

struct Algorithm {
  unsigned long data[8];
};

struct Result {
  Algorithm algorithm;
  size_t workspaceBytes;
  int state;
  float waves;
  int reserved[4];
};

float toFloat(__nv_bfloat16 value) {
  unsigned bits;
  unsigned short half;
  memcpy(&half, &value, 2);
  bits = (unsigned)half << 16;
  float result;
  memcpy(&result, &bits, 4);
  return result;
}

}  // namespace

extern "C" {

int cublasLtCreate(void** handle) {
  *handle = new int(0);
  return sticky == cudaSuccess ? 0 : 13;
}

int cublasLtDestroy(void* handle) {
  delete (int*)handle;
  return 0;
}

int cublasLtMatmulPreferenceCreate(void** preference) {
  *preference = new int(0);
  return 0;
}

int cublasLtMatmulPreferenceDestroy(void* preference) {
  delete (int*)preference;
  return 0;
}

int cublasLtMatmulPreferenceSetAttribute(void*, int, const void*, size_t) { return 0; }

int cublasLtMatmulDescCreate(void** description, int, int) {
  *description = new Description();
  return 0;
}

int cublasLtMatmulDescDestroy(void* description) {
  delete (Description*)description;
  return 0;
}

int cublasLtMatmulDescSetAttribute(void* description, int attribute, const void* value, size_t bytes) {
  Description* d = (Description*)description;
  if (attribute == TRANSA && bytes == 4) d->transposeA = *(const int*)value;
  if (attribute == EPILOGUE && bytes == 4) d->epilogue = *(const int*)value;
  if (attribute == BIAS_POINTER && bytes == 8) d->bias = *(const void* const*)value;
  if (attribute == BIAS_DATA_TYPE && bytes == 4) d->biasType = *(const int*)value;
  return 0;
}

int cublasLtMatrixLayoutCreate(void** layout, int type, unsigned long rows, unsigned long columns, long stride) {
  *layout = new Layout{type, (long)rows, (long)columns, stride};
  return 0;
}

int cublasLtMatrixLayoutDestroy(void* layout) {
  delete (Layout*)layout;
  return 0;
}

int cublasLtMatmulAlgoGetHeuristic(void*, void* description, void* a, void* b, void*, void* d, void*, int max, void* out,
                                   int* count) {
  *count = 0;
  Layout *la = (Layout*)a, *lb = (Layout*)b, *ld = (Layout*)d;
  const Description* desc = (const Description*)description;
  // The bias has the type of the result.
  bool fits = (desc->epilogue != EPILOGUE_BIAS || desc->biasType == -1 || desc->biasType == ld->type) && desc->transposeA == OP_T && la->type == R_16BF && lb->type == R_16BF &&
              la->rows == lb->rows && ld->rows == la->columns && ld->columns == lb->columns && max > 0 &&
              la->stride >= la->rows && lb->stride >= lb->rows && ld->stride >= ld->rows;
  if (!fits) return NOT_SUPPORTED;
  memset(out, 0, sizeof(Result));
  *count = 1;
  return 0;
}

int cublasLtMatmul(void*, void* description, const void*, const void* a, void* layoutA, const void* b, void* layoutB,
                   const void*, const void*, void*, void* d, void* layoutD, const void* algorithm, void*, size_t,
                   void* stream) {
  if (sticky != cudaSuccess) return 13;
  if (algorithm == nullptr) return NOT_SUPPORTED;
  Description desc = *(Description*)description;
  Layout la = *(Layout*)layoutA, lb = *(Layout*)layoutB, ld = *(Layout*)layoutD;
  ((Stream*)stream)->add([=] {
    const __nv_bfloat16 *w = (const __nv_bfloat16*)a, *x = (const __nv_bfloat16*)b;
    const long n = la.columns, m = lb.columns, k = la.rows;
    std::vector<float> row(k), weights(k);
    std::vector<std::vector<float>> rows(m, std::vector<float>(k));
    for (long i = 0; i < m; i++)
      for (long j = 0; j < k; j++) rows[i][j] = toFloat(x[i * lb.stride + j]);
    for (long o = 0; o < n; o++) {
      for (long j = 0; j < k; j++) weights[j] = toFloat(w[o * la.stride + j]);
      for (long i = 0; i < m; i++) {
        float sum = 0;
        const float* values = rows[i].data();
        const float* others = weights.data();
#pragma omp simd reduction(+ : sum)
        for (long j = 0; j < k; j++) sum += values[j] * others[j];
        if (desc.epilogue == EPILOGUE_BIAS)
          sum += ld.type == R_32F ? ((const float*)desc.bias)[o] : toFloat(((const __nv_bfloat16*)desc.bias)[o]);
        if (ld.type == R_32F) {
          ((float*)d)[i * ld.stride + o] = sum;
        } else {
          ((__nv_bfloat16*)d)[i * ld.stride + o] = __float2bfloat16(sum);
        }
      }
    }
    return cudaSuccess;
  });
  return 0;
}

const char* cublasGetStatusString(int status) { return status == NOT_SUPPORTED ? "not supported" : "emulated status"; }

}
