package dev.quire.kernel.cuda;

/** Makes the launches of one device: module, stream and launch attributes in one place. */
final class KernelFactory {
    private final CudaModule module;
    private final CudaStream stream;
    private final CudaDevice device;

    KernelFactory(CudaModule module, CudaStream stream, CudaDevice device) {
        this.module = module;
        this.stream = stream;
        this.device = device;
    }

    /**
     * @param block threads of a block
     * @param numParameters of the kernel
     */
    KernelLaunch kernel(String name, int block, int numParameters) {
        return new KernelLaunch(module, stream, device.canOverlapLaunches(), name, numParameters).block(block);
    }

    CudaStream stream() {
        return stream;
    }

    CudaDevice device() {
        return device;
    }
}
