package dev.quire.kernel.cuda;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.tensor.Tensor;

/** Placeholder until the sampling kernels are merged. */
final class CudaSampling implements SamplingKernels, AutoCloseable {
    CudaSampling(KernelFactory kernels, LastSampled lastSampled) {}

    @Override
    public void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out) {
        throw new IllegalStateException("no kernel");
    }

    @Override
    public void logprobs(Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out) {
        throw new IllegalStateException("no kernel");
    }

    /** The oldest step is done. */
    void collect() {}

    @Override
    public void close() {}
}
