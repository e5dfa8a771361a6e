package dev.quire.kernel.cuda;

/**
 * A matrix of integers on the device, as {@code int_weights.cuh} describes it.
 *
 * @param codes device address
 * @param scales device address
 * @param order device address of int [inFeatures]: column c multiplies input order[c]; 0 where columns are inputs
 */
record IntMatrix(int outFeatures, int inFeatures, IntForm form, long codes, long scales, long order) {
    long numBytes() {
        return form.bytes(outFeatures, inFeatures);
    }

    /** The kernels' parameters of a matrix but its addresses, from {@code parameter} on; returns the next. */
    int set(KernelLaunch kernel, int parameter) {
        kernel.set(parameter, form.flags());
        kernel.set(parameter + 1, form.granules(inFeatures));
        kernel.set(parameter + 2, form.groupSteps());
        kernel.set(parameter + 3, form.granulesPerStep());
        return parameter + 4;
    }
}
