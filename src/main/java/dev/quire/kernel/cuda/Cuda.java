package dev.quire.kernel.cuda;

import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/** Turns CUDA's return codes into exceptions. */
final class Cuda {
    private Cuda() {}

    /** For calls of the runtime (cuda…). */
    static void check(int code, String what) {
        if (code != 0) {
            throw new CudaException(code, what, runtimeWords(code));
        }
    }

    /** For calls of the driver (cu…). */
    static void checkDriver(int code, String what) {
        if (code != 0) {
            throw driverFailure(code, what);
        }
    }

    static CudaException driverFailure(int code, String what) {
        // The driver's codes and the runtime's are the same numbers since CUDA 10.1.
        return new CudaException(code, what, runtimeWords(code));
    }

    /** For calls of cuBLASLt. */
    static void checkBlas(int status, String what) {
        if (status != 0) {
            throw new CudaException(status, what, words(cublas.cublasGetStatusString(status)));
        }
    }

    private static String runtimeWords(int code) {
        return words(cudart.cudaGetErrorName(code)) + ", " + words(cudart.cudaGetErrorString(code));
    }

    private static String words(BytePointer text) {
        return text == null || text.isNull() ? "unknown error" : text.getString();
    }
}
