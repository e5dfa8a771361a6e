package dev.quire.kernel.cuda;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** A queue of work on the device; what is put in runs in order. */
final class CudaStream implements AutoCloseable {
    final CUstream_st handle = new CUstream_st();
    private final Address to = new Address(0);
    private final Address from = new Address(0);

    CudaStream() {
        Cuda.check(cudart.cudaStreamCreateWithFlags(handle, cudart.cudaStreamNonBlocking), "cudaStreamCreate");
    }

    /** Copies pinned host memory to the device, or back, in order with the other work. */
    void copy(long toAddress, long fromAddress, long numBytes) {
        int code = cudart.cudaMemcpyAsync(
                to.set(toAddress), from.set(fromAddress), numBytes, cudart.cudaMemcpyDefault, handle);
        if (code != 0) {
            Cuda.check(code, "copy of " + numBytes + " bytes");
        }
    }

    void fill(long address, int value, long numBytes) {
        Cuda.check(cudart.cudaMemsetAsync(to.set(address), value, numBytes, handle), "fill of " + numBytes + " bytes");
    }

    /** Waits until all work put in so far is done. */
    void synchronize() {
        Cuda.check(cudart.cudaStreamSynchronize(handle), "cudaStreamSynchronize");
    }

    /** Marks the end of the work put in so far. */
    void record(CUevent_st event) {
        Cuda.check(cudart.cudaEventRecord(event, handle), "cudaEventRecord");
    }

    /** An event that only marks, and measures no time. */
    static CUevent_st newMark() {
        CUevent_st event = new CUevent_st();
        Cuda.check(cudart.cudaEventCreateWithFlags(event, cudart.cudaEventDisableTiming), "cudaEventCreate");
        return event;
    }

    /** Waits for the work put in; a device that failed is past complaining about. */
    @Override
    public void close() {
        cudart.cudaStreamSynchronize(handle);
        cudart.cudaStreamDestroy(handle);
    }
}
