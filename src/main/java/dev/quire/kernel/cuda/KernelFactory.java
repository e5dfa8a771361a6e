package dev.quire.kernel.cuda;

/** Makes the launches of one device: module, stream and launch attributes in one place. */
final class KernelFactory {
    private final CudaModule module;
    private final CudaStream stream;
    private final CudaDevice device;
    private final boolean blocking;

    /** @param blocking launches wait for their kernel */
    KernelFactory(CudaModule module, CudaStream stream, CudaDevice device, boolean blocking) {
        this.blocking = blocking;
        this.module = module;
        this.stream = stream;
        this.device = device;
    }

    /**
     * @param block threads of a block
     * @param numParameters of the kernel
     */
    KernelLaunch kernel(String name, int block, int numParameters) {
        boolean dependent = device.canOverlapLaunches() && !blocking;
        return new KernelLaunch(module, stream, dependent, blocking, name, numParameters).block(block);
    }

    CudaStream stream() {
        return stream;
    }

    CudaDevice device() {
        return device;
    }
}
