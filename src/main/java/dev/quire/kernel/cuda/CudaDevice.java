package dev.quire.kernel.cuda;

import java.util.Locale;
import org.bytedeco.cuda.global.cudart;

/**
 * The card in use.
 *
 * @param name as the driver calls it
 * @param major compute capability, before the point
 * @param minor compute capability, after it
 * @param numMultiprocessors SMs
 * @param maxSharedBytes shared memory of one block at most
 * @param totalBytes of memory
 * @param driverVersion CUDA version the driver supports, such as 13000 for 13.0
 */
record CudaDevice(
        String name,
        int major,
        int minor,
        int numMultiprocessors,
        int maxSharedBytes,
        long totalBytes,
        int driverVersion) {
    /** The runtime the presets are linked to. */
    private static final int MIN_DRIVER_VERSION = 13000;

    private static final int MIN_MAJOR = 8;
    private static final int HOPPER_MAJOR = 9;
    private static final int NAME_BYTES = 256;

    /**
     * Takes the first card into use for the calling thread.
     *
     * @throws CudaUnavailableException when there is none, or it or its driver is too old
     */
    static CudaDevice open() throws CudaUnavailableException {
        int[] value = new int[1];
        int code = cudart.cudaDriverGetVersion(value);
        int driver = code == 0 ? value[0] : 0;
        if (driver < MIN_DRIVER_VERSION) {
            throw new CudaUnavailableException("the NVIDIA driver supports CUDA " + version(driver) + ", "
                    + version(MIN_DRIVER_VERSION) + " is needed; update the driver");
        }
        code = cudart.cudaGetDeviceCount(value);
        if (code != 0 || value[0] < 1) {
            String words = code == 0
                    ? "no CUDA device"
                    : cudart.cudaGetErrorString(code).getString();
            throw new CudaUnavailableException("no usable GPU: " + words + "; check CUDA_VISIBLE_DEVICES");
        }
        int major = attribute(cudart.cudaDevAttrComputeCapabilityMajor);
        int minor = attribute(cudart.cudaDevAttrComputeCapabilityMinor);
        byte[] text = new byte[NAME_BYTES];
        cudart.cuDeviceGetName(text, NAME_BYTES, 0);
        String name = new String(text, java.nio.charset.StandardCharsets.UTF_8).trim();
        name = name.indexOf('\0') < 0 ? name : name.substring(0, name.indexOf('\0'));
        if (major < MIN_MAJOR) {
            throw new CudaUnavailableException(
                    name + " has compute capability " + major + "." + minor + ", 8.0 (Ampere) or newer is needed");
        }
        bind();
        Cuda.check(cudart.cudaFree(null), "creating the CUDA context");
        return new CudaDevice(
                name,
                major,
                minor,
                attribute(cudart.cudaDevAttrMultiProcessorCount),
                attribute(cudart.cudaDevAttrMaxSharedMemoryPerBlockOptin),
                DeviceMemory.info()[1],
                driver);
    }

    /** Every thread that calls CUDA must be bound to the device once. */
    static void bind() {
        Cuda.check(cudart.cudaSetDevice(0), "cudaSetDevice");
    }

    private static int attribute(int attribute) {
        int[] value = new int[1];
        Cuda.check(cudart.cudaDeviceGetAttribute(value, attribute, 0), "cudaDeviceGetAttribute");
        return value[0];
    }

    boolean isHopper() {
        return major == HOPPER_MAJOR;
    }

    /**
     * Whether kernels may be launched programmatically dependent. Newer cards than Hopper can too, but run our PTX for 8.0, in
     * which kernels do not wait for their predecessor.
     */
    boolean canOverlapLaunches() {
        return isHopper();
    }

    private static String version(int number) {
        return number / 1000 + "." + number % 1000 / 10;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s, compute capability %d.%d, %d SMs, %.0f GiB, CUDA %s",
                name,
                major,
                minor,
                numMultiprocessors,
                totalBytes / (double) (1L << 30),
                version(driverVersion));
    }
}
