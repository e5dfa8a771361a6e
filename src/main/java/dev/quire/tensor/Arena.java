package dev.quire.tensor;

/** Owns the memory of the tensors it made; closing it frees them all. */
public interface Arena extends AutoCloseable {
    /**
     * A zeroed tensor.
     *
     * @param name shown in errors and in the memory plan
     * @throws OutOfDeviceMemoryException when it does not fit
     */
    Tensor allocate(String name, DType dtype, long... dims);

    /** Bytes handed out so far. */
    long allocatedBytes();

    @Override
    void close();
}
