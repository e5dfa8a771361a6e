package dev.quire.kernel.cuda;

/** A call into CUDA failed; the message names the call or kernel, its sizes, the code and CUDA's own words. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** cudaErrorMemoryAllocation, and CUDA_ERROR_OUT_OF_MEMORY. */
    static final int OUT_OF_MEMORY = 2;

    private final int code;

    CudaException(int code, String what, String words) {
        super(what + " failed: " + words + " (CUDA error " + code + ")");
        this.code = code;
    }

    public int code() {
        return code;
    }
}
