package dev.quire.kernel.cuda;

import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;

/** Measures candidates on the stream, by events; not while a graph is being captured. */
final class ProductTimer implements AutoCloseable {
    private static final int RUNS = 3;

    private final CudaStream stream;
    private final CUevent_st start = new CUevent_st();
    private final CUevent_st end = new CUevent_st();
    private final float[] millis = new float[1];
    private boolean capturing;

    ProductTimer(CudaStream stream) {
        this.stream = stream;
        Cuda.check(cudart.cudaEventCreate(start), "cudaEventCreate");
        Cuda.check(cudart.cudaEventCreate(end), "cudaEventCreate");
    }

    void setCapturing(boolean capturing) {
        this.capturing = capturing;
    }

    boolean isAllowed() {
        return !capturing;
    }

    /** Median microseconds of one run, after one that does not count; infinite when it fails to run. */
    double micros(Runnable work) {
        double[] micros = new double[RUNS];
        try {
            work.run();
            for (int i = 0; i < RUNS; i++) {
                stream.record(start);
                work.run();
                stream.record(end);
                Cuda.check(cudart.cudaEventSynchronize(end), "cudaEventSynchronize");
                Cuda.check(cudart.cudaEventElapsedTime(millis, start, end), "cudaEventElapsedTime");
                micros[i] = 1e3 * millis[0];
            }
        } catch (CudaException e) {
            // A candidate that cuBLASLt offers and then refuses; a broken device will fail again at once.
            return Double.POSITIVE_INFINITY;
        }
        Arrays.sort(micros);
        return micros[RUNS / 2];
    }

    @Override
    public void close() {
        cudart.cudaEventDestroy(start);
        cudart.cudaEventDestroy(end);
    }
}
