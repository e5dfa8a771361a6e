package dev.quire.kernel.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUlaunchAttribute;
import org.bytedeco.cuda.cudart.CUlaunchConfig;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * One kernel and its parameters, made once for a place in the code and launched many times: eight bytes a parameter, the
 * table of pointers to them built once, so a launch allocates nothing.
 *
 * <p>Launches are programmatic dependent ones where the device can: a kernel starts while its predecessor ends, and waits
 * for it by itself ({@code common.cuh}).
 */
final class KernelLaunch {
    private final String name;
    private final CudaStream stream;
    private final boolean blocking;
    private final CUfunc_st function;
    private final ByteBuffer slots;
    private final PointerPointer<Pointer> table;
    private final CUlaunchConfig config = new CUlaunchConfig();
    // Kept reachable: the configuration and the table hold their addresses only.
    private final BytePointer block;
    private final CUlaunchAttribute overlap = new CUlaunchAttribute(1);
    private int allowedBytes = 48 << 10;

    /**
     * @param numParameters of the kernel, all of at most eight bytes but those given by {@link #setAddressOf}
     * @param dependent launch programmatically dependent
     * @param blocking wait for every launch
     */
    KernelLaunch(
            CudaModule module, CudaStream stream, boolean dependent, boolean blocking, String name, int numParameters) {
        this.name = name;
        this.stream = stream;
        this.blocking = blocking;
        function = module.function(name);
        block = new BytePointer(8L * numParameters);
        slots = block.asByteBuffer().order(ByteOrder.nativeOrder());
        table = new PointerPointer<>(numParameters);
        for (int i = 0; i < numParameters; i++) {
            table.put(i, new Address(block.address() + 8L * i));
        }
        overlap.id(cudart.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
        overlap.value().programmaticStreamSerializationAllowed(1);
        config.gridDimX(1)
                .gridDimY(1)
                .gridDimZ(1)
                .blockDimX(1)
                .blockDimY(1)
                .blockDimZ(1)
                .sharedMemBytes(0);
        config.hStream(stream.handle);
        config.attrs(dependent ? overlap : null);
        config.numAttrs(dependent ? 1 : 0);
    }

    /** Dynamic shared memory of every launch; above 48 KB the kernel has to be told first, which this does. */
    KernelLaunch sharedBytes(int numBytes) {
        if (numBytes > allowedBytes) {
            Cuda.checkDriver(
                    cudart.cuFuncSetAttribute(
                            function, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, numBytes),
                    "giving kernel " + name + " " + numBytes + " bytes of shared memory");
            allowedBytes = numBytes;
        }
        config.sharedMemBytes(numBytes);
        return this;
    }

    KernelLaunch block(int threads) {
        config.blockDimX(threads);
        return this;
    }

    /** How many blocks of this size fit on a multiprocessor at the same time. */
    int blocksPerMultiprocessor() {
        int[] blocks = new int[1];
        Cuda.checkDriver(
                cudart.cuOccupancyMaxActiveBlocksPerMultiprocessor(
                        blocks, function, config.blockDimX(), config.sharedMemBytes()),
                "asking for the occupancy of kernel " + name);
        return blocks[0];
    }

    KernelLaunch set(int parameter, long value) {
        slots.putLong(8 * parameter, value);
        return this;
    }

    KernelLaunch set(int parameter, int value) {
        slots.putInt(8 * parameter, value);
        return this;
    }

    KernelLaunch set(int parameter, float value) {
        slots.putFloat(8 * parameter, value);
        return this;
    }

    /** A parameter larger than eight bytes, passed by value from where it lies; it must stay reachable. */
    KernelLaunch setAddressOf(int parameter, Pointer value) {
        table.put(parameter, value);
        return this;
    }

    void launch(int gridX) {
        launch(gridX, 1);
    }

    /** Enqueues the kernel with the parameters as they are now. */
    void launch(int gridX, int gridY) {
        config.gridDimX(gridX).gridDimY(gridY);
        int code = cudart.cuLaunchKernelEx(config, function, table, null);
        if (code == 0 && blocking) {
            code = cudart.cudaStreamSynchronize(stream.handle);
        }
        if (code != 0) {
            throw Cuda.driverFailure(
                    code,
                    "kernel " + name + " <<<(" + gridX + ", " + gridY + "), " + config.blockDimX() + ", "
                            + config.sharedMemBytes() + " bytes>>>");
        }
    }
}
