// The functions of libcublasLt that Quire calls, on the host: products of bf16 and E4M3 matrices with f32 sums, of bytes with
// exact ones. What a real one refuses is refused: operands that are not aligned, factors of rows and blocks but on Hopper.
#include "device.h"
#include <cuda_bf16.h>
#include <math.h>
#include <string.h>

using namespace emulated_device;

namespace {

struct Layout {
  int type;
  long rows, columns, stride;
};

struct Description {
  int compute = 0, factor = 0, transposeA = 0, epilogue = 1, biasType = -1;
  const void* bias = nullptr;
  int scaleMode[2] = {0, 0};  // of A, of B
  const float* scales[2] = {nullptr, nullptr};
};

constexpr int R_32F = 0, R_8I = 3, R_32I = 10, R_16BF = 14, R_8F_E4M3 = 28, COMPUTE_32F = 68, COMPUTE_32I = 72;
constexpr int TRANSA = 3, EPILOGUE = 7, BIAS_POINTER = 8, A_SCALE_POINTER = 17, A_SCALE_MODE = 31, BIAS_DATA_TYPE = 26, OP_T = 1, EPILOGUE_BIAS = 4;
constexpr int SCALE_SCALAR = 0, SCALE_OUTER = 3, SCALE_VEC128 = 4, SCALE_BLK128 = 5;
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

float ofE4m3(unsigned char code) {
  if ((code & 0x7f) == 0x7f) return NAN;
  const int exponent = code >> 3 & 15, fraction = code & 7;
  const float size = exponent ? ldexpf(8 + fraction, exponent - 10) : ldexpf(fraction, -9);
  return code & 0x80 ? -size : size;
}

long ceilDiv(long a, long b) { return (a + b - 1) / b; }

int bytesOf(int type) { return type == R_32F || type == R_32I ? 4 : type == R_16BF ? 2 : 1; }

float element(const void* p, int type, long i) {
  return type == R_16BF ? toFloat(((const __nv_bfloat16*)p)[i]) : ofE4m3(((const unsigned char*)p)[i]);
}

// The factor of 128 k of a row, by the layouts of the manual; `rows` of the operand in all.
float factor(int mode, const float* scales, long row, long rows, long k, long sizeK) {
  const long group = k / 128, groups = (ceilDiv(sizeK, 128) + 3) / 4 * 4;
  if (scales == nullptr) return 1;
  if (mode == SCALE_VEC128) return scales[group * rows + row];
  if (mode == SCALE_BLK128) return scales[row / 128 * groups + group];
  return mode == SCALE_OUTER ? scales[row] : scales[0];
}

bool offered(const Description& d, const Layout& a, const Layout& b, const Layout& out) {
  // A bias has the type of the result, but with E4M3, where it is bf16 always.
  const int biasType = d.biasType == -1 ? out.type : d.biasType;
  if (d.epilogue == EPILOGUE_BIAS && biasType != (a.type == R_8F_E4M3 ? R_16BF : out.type)) return false;
  if (d.transposeA != OP_T || a.type != b.type || a.rows != b.rows || out.rows != a.columns || out.columns != b.columns ||
      a.stride < a.rows || b.stride < b.rows || out.stride < out.rows)
    return false;
  const bool hopper = settings.major == 9, ada = settings.major * 10 + settings.minor >= 89;
  const int modeA = d.scaleMode[0], modeB = d.scaleMode[1];
  if (a.type == R_8I)
    return d.compute == COMPUTE_32I && d.factor == R_32I && out.type == R_32I && d.epilogue != EPILOGUE_BIAS && !modeA && !modeB &&
           a.stride % 4 == 0 && b.stride % 4 == 0 && out.stride % 4 == 0;
  if (d.compute != COMPUTE_32F || d.factor != R_32F || (out.type != R_32F && out.type != R_16BF)) return false;
  if (a.type == R_16BF) return !modeA && !modeB;
  if (a.type != R_8F_E4M3 || !ada || a.rows % 16 || a.columns % 16 || a.stride % 16 || b.stride % 16 ||
      out.stride * bytesOf(out.type) % 16)
    return false;
  if (modeA == SCALE_SCALAR && modeB == SCALE_SCALAR) return true;
  if (!hopper) return false;
  if (modeA == SCALE_BLK128 && modeB == SCALE_VEC128) return a.columns % 4 == 0 && b.columns % 4 == 0;
  return modeA == SCALE_OUTER && modeB == SCALE_OUTER;
}

void multiplyBytes(const Layout& la, const Layout& lb, const Layout& ld, const void* a, const void* b, void* d) {
  for (long o = 0; o < la.columns; o++)
    for (long i = 0; i < lb.columns; i++) {
      const signed char *w = (const signed char*)a + o * la.stride, *x = (const signed char*)b + i * lb.stride;
      int sum = 0;
      for (long j = 0; j < la.rows; j++) sum += w[j] * x[j];
      ((int*)d)[i * ld.stride + o] = sum;
    }
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

int cublasLtMatmulDescCreate(void** description, int compute, int factor) {
  Description* d = new Description();
  d->compute = compute;
  d->factor = factor;
  *description = d;
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
  for (int i = 0; i < 2; i++) {
    if (attribute == A_SCALE_MODE + i && bytes == 4) d->scaleMode[i] = *(const int*)value;
    if (attribute == A_SCALE_POINTER + i && bytes == 8) d->scales[i] = *(const float* const*)value;
  }
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
  if (max < 1 || !offered(*(Description*)description, *(Layout*)a, *(Layout*)b, *(Layout*)d)) return NOT_SUPPORTED;
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
    if (la.type == R_8I) return multiplyBytes(la, lb, ld, a, b, d), cudaSuccess;
    const long n = la.columns, m = lb.columns, k = la.rows;
    std::vector<float> weights(k);
    std::vector<std::vector<float>> rows(m, std::vector<float>(k));
    for (long i = 0; i < m; i++)
      for (long j = 0; j < k; j++)
        rows[i][j] = element(b, lb.type, i * lb.stride + j) * factor(desc.scaleMode[1], desc.scales[1], i, m, j, k);
    for (long o = 0; o < n; o++) {
      for (long j = 0; j < k; j++)
        weights[j] = element(a, la.type, o * la.stride + j) * factor(desc.scaleMode[0], desc.scales[0], o, n, j, k);
      for (long i = 0; i < m; i++) {
        float sum = 0;
        const float* values = rows[i].data();
        const float* others = weights.data();
#pragma omp simd reduction(+ : sum)
        for (long j = 0; j < k; j++) sum += values[j] * others[j];
        if (desc.epilogue == EPILOGUE_BIAS)
          sum += desc.biasType == R_32F ? ((const float*)desc.bias)[o] : toFloat(((const __nv_bfloat16*)desc.bias)[o]);
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
