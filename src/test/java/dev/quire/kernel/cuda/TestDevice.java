package dev.quire.kernel.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.cuda.global.cudart;

/**
 * The device that CUDA tests run on: the emulated one of {@code src/test/cuda/emulated}, or with {@code
 * -Dquire.test.device=gpu} the card of this machine. Where neither is there, tests are skipped and counted so.
 */
public final class TestDevice {
    private static final Path EMULATED = Path.of("target/emulated").toAbsolutePath();
    private static final int CONTROL = 0x7fff0000;
    private static final int SET_CAPABILITY = 0;
    private static final int SET_MEMORY = 2;
    private static final int FAIL_AFTER = 3;
    private static final int REPAIR = 4;
    private static final int SET_DRIVER = 5;

    private TestDevice() {}

    public static boolean isReal() {
        return "gpu".equals(System.getProperty("quire.test.device"));
    }

    /** Where the libraries are; skips the test when there is no device. */
    public static List<Path> libraryPath() {
        if (isReal()) {
            return List.of();
        }
        assumeTrue(CudaBackend.isBuilt(), "needs kernels: nvcc was not found when this was built");
        assumeTrue(Files.exists(EMULATED.resolve("libcuda.so.1")), "needs the emulated device in " + EMULATED);
        return List.of(EMULATED);
    }

    public static CudaBackend open(boolean batchInvariant, boolean graphs) {
        return open(new CudaOptions(0.9, batchInvariant, graphs, false, libraryPath()));
    }

    public static CudaBackend open(CudaOptions options) {
        try {
            return CudaBackend.open(options);
        } catch (CudaUnavailableException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    public static CudaBackend open() {
        return open(false, true);
    }

    /** Skips the test on a real card; afterwards the emulated one can be told what to do. */
    public static void assumeEmulated() {
        assumeTrue(!isReal(), "only on the emulated device");
        try {
            CudaLibraries.load(libraryPath());
        } catch (CudaUnavailableException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    /** Compute capability 8.0 is 80. */
    public static void setCapability(int capability) {
        control(SET_CAPABILITY, capability);
    }

    public static void setMemory(long numBytes) {
        control(SET_MEMORY, numBytes);
    }

    /** After so many more kernels the device is broken. */
    public static void failAfter(long launches) {
        control(FAIL_AFTER, launches);
    }

    /** CUDA version that the driver supports, such as 13000. */
    public static void setDriverVersion(int version) {
        control(SET_DRIVER, version);
    }

    public static void repair() {
        control(REPAIR, 0);
    }

    private static void control(int what, long value) {
        if (cudart.cudaDeviceSetLimit(CONTROL + what, value) != 0) {
            throw new AssertionError("the device is not the emulated one");
        }
    }

    /** Copies floats into a tensor of F32 or BF16 on the device. */
    public static void put(Tensor tensor, float... values) {
        try (CudaStream stream = new CudaStream();
                PinnedMemory host = new PinnedMemory("test", numBytes(tensor))) {
            ByteBuffer bytes = host.bytes();
            for (int i = 0; i < values.length; i++) {
                if (tensor.dtype() == DType.F32) {
                    bytes.putFloat(4 * i, values[i]);
                } else {
                    bytes.putShort(2 * i, FloatBits.floatToBf16(values[i]));
                }
            }
            stream.copy(CudaArena.address(tensor), host.address(), numBytes(tensor));
            stream.synchronize();
        }
    }

    /** Whether there is a device to run on. */
    public static boolean isThere() {
        return isReal() || CudaBackend.isBuilt() && Files.exists(EMULATED.resolve("libcuda.so.1"));
    }

    /** All elements of a tensor of F32 or BF16, after everything that the backend has enqueued. */
    public static float[] get(CudaBackend backend, Tensor tensor) {
        backend.synchronize();
        return get(tensor);
    }

    /** All elements of a tensor of F32 or BF16 that nothing writes any more. */
    static float[] get(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().numElements())];
        try (CudaStream stream = new CudaStream();
                PinnedMemory host = new PinnedMemory("test", numBytes(tensor))) {
            stream.copy(host.address(), CudaArena.address(tensor), numBytes(tensor));
            stream.synchronize();
            for (int i = 0; i < values.length; i++) {
                values[i] = tensor.dtype() == DType.F32
                        ? host.bytes().getFloat(4 * i)
                        : FloatBits.bf16ToFloat(host.bytes().getShort(2 * i));
            }
        }
        return values;
    }

    private static long numBytes(Tensor tensor) {
        return ((Storage.Device) tensor.storage()).numBytes();
    }
}
