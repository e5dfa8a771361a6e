package dev.quire.tensor;

/** Bytes of a random tensor that nobody stored: a device may make values of the same kind by itself. */
public interface RandomBytes extends HostBytes {
    long seed();

    /** Standard deviation of the elements, whose mean is 0. */
    float deviation();
}
