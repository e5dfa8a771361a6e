package dev.quire.tensor;

/** Where a tensor's elements live: a Java array for the CPU backend, an address for a device. */
public sealed interface Storage {
    record Floats(float[] array) implements Storage {}

    record Shorts(short[] array) implements Storage {}

    record Ints(int[] array) implements Storage {}

    record Bytes(byte[] array) implements Storage {}

    record Device(long address, long numBytes) implements Storage {}
}
