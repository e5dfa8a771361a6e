package dev.quire.kernel;

/** A matrix (and bias) in a backend's own layout, resident on its device. */
public interface Linear {
    int outFeatures();

    int inFeatures();

    /** Bytes of weights that one product reads: the bound of a memory-bound decode step. */
    long weightBytes();
}
