package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.Backend;
import dev.quire.kernel.EmbeddingKernels;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.LinearWeight;
import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * Makes a synchronous backend look like a device with two steps in flight: what was sampled is kept from the host until
 * its step is awaited, and is what pending token ids stand for.
 */
final class LateBackend {
    private static final int POISON = Integer.MIN_VALUE;

    private record Late(long step, int numRows, SampledTokens from, SampledTokens to) {}

    private final ArrayDeque<Late> late = new ArrayDeque<>();
    private final int[] lastSampled;
    private long numRecorded;
    private long numAwaited;

    private LateBackend(int maxNumSeqs) {
        lastSampled = new int[maxNumSeqs];
        Arrays.fill(lastSampled, POISON);
    }

    static Backend of(Backend backend, int maxNumSeqs) {
        LateBackend late = new LateBackend(maxNumSeqs);
        EmbeddingKernels embedding = late.embedding(backend.embedding());
        SamplingKernels sampling = late.sampling(backend.sampling());
        return (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "maxStepsInFlight":
                            return 2;
                        case "recordStep":
                            return late.numRecorded++;
                        case "awaitStep":
                            late.await((long) arguments[0]);
                            return null;
                        case "embedding":
                            return embedding;
                        case "sampling":
                            return sampling;
                        default:
                            try {
                                return method.invoke(backend, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                    }
                });
    }

    private void await(long step) {
        assertThat(step).as("marks are awaited in order").isEqualTo(numAwaited++);
        assertThat(step).isLessThan(numRecorded);
        while (!late.isEmpty() && late.element().step <= step) {
            Late sampled = late.remove();
            System.arraycopy(sampled.from.ids, 0, sampled.to.ids, 0, sampled.numRows);
            System.arraycopy(sampled.from.ranks, 0, sampled.to.ranks, 0, sampled.numRows);
            System.arraycopy(sampled.from.logprobs, 0, sampled.to.logprobs, 0, sampled.numRows);
            System.arraycopy(sampled.from.topIds, 0, sampled.to.topIds, 0, sampled.numRows);
            System.arraycopy(sampled.from.topLogprobs, 0, sampled.to.topLogprobs, 0, sampled.numRows);
        }
    }

    private SamplingKernels sampling(SamplingKernels kernels) {
        return new SamplingKernels() {
            @Override
            public void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out) {
                assertThat(late).as("results of other steps are kept apart").noneMatch(l -> l.to == out);
                SampledTokens sampled = new SampledTokens(batch.numRows);
                kernels.sample(logits, vocabSize, batch, sampled);
                for (int row = 0; row < batch.numRows; row++) {
                    lastSampled[batch.slot[row]] = sampled.ids[row];
                }
                Arrays.fill(out.ids, POISON);
                late.add(new Late(numRecorded, batch.numRows, sampled, out));
            }

            @Override
            public void logprobs(
                    Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out) {
                assertThat(late).noneMatch(l -> l.to == out);
                kernels.logprobs(logits, vocabSize, targets, numTop, numRows, out);
            }
        };
    }

    private EmbeddingKernels embedding(EmbeddingKernels kernels) {
        return new EmbeddingKernels() {
            @Override
            public EmbeddingTable load(LinearWeight matrix) {
                return kernels.load(matrix);
            }

            @Override
            public void lookup(Tensor out, EmbeddingTable table, int[] ids, int numRows, float scale) {
                int[] resolved = Arrays.copyOf(ids, numRows);
                for (int i = 0; i < numRows; i++) {
                    resolved[i] = ids[i] < 0 ? lastSampled[-ids[i] - 1] : ids[i];
                }
                kernels.lookup(out, table, resolved, numRows, scale);
            }

            @Override
            public void gatherRows(Tensor out, Tensor x, int[] rows, int numRows) {
                kernels.gatherRows(out, x, rows, numRows);
            }
        };
    }
}
