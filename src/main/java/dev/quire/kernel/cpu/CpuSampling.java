package dev.quire.kernel.cpu;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.tensor.Tensor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sampling on the CPU, rows spread over the pool; nothing is allocated for a token unless log-probabilities are asked.
 */
final class CpuSampling implements SamplingKernels {
    private final WorkerPool pool;
    private final LoopChoice choice;
    private final SamplingWorker[] workers;
    private final AtomicInteger nextRow = new AtomicInteger();
    private final WorkerPool.Task sampleTask = this::sampleRows;
    private final WorkerPool.Task logprobsTask = this::logprobsRows;

    // The call in progress; the engine thread is the only caller.
    private CpuLoops loops;
    private float[] logits;
    private int base;
    private int stride;
    private int vocabSize;
    private int numRows;
    private SamplingBatch batch;
    private int[] targets;
    private int numTop;
    private SampledTokens out;

    CpuSampling(WorkerPool pool, LoopChoice choice) {
        this.pool = pool;
        this.choice = choice;
        loops = choice.current();
        workers = new SamplingWorker[pool.numThreads()];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new SamplingWorker(loops.logits().get());
        }
    }

    @Override
    public void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out) {
        begin(logits, vocabSize, batch.numRows, out);
        this.batch = batch;
        pool.run(Math.min(workers.length, numRows), sampleTask);
    }

    @Override
    public void logprobs(Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out) {
        begin(logits, vocabSize, numRows, out);
        this.targets = targets;
        this.numTop = numTop;
        pool.run(Math.min(workers.length, numRows), logprobsTask);
    }

    private void begin(Tensor logits, int vocabSize, int numRows, SampledTokens out) {
        this.logits = logits.floats();
        this.base = Math.toIntExact(logits.offset());
        this.stride = logits.rowStride();
        this.vocabSize = vocabSize;
        this.numRows = numRows;
        this.out = out;
        nextRow.set(0);
        if (loops != choice.current()) {
            loops = choice.current();
            for (SamplingWorker worker : workers) {
                worker.use(loops.logits().get());
            }
        }
    }

    private void sampleRows(int worker) {
        for (int row = nextRow.getAndIncrement(); row < numRows; row = nextRow.getAndIncrement()) {
            workers[worker].sample(logits, base + row * stride, vocabSize, batch, row, out);
        }
    }

    private void logprobsRows(int worker) {
        for (int row = nextRow.getAndIncrement(); row < numRows; row = nextRow.getAndIncrement()) {
            workers[worker].logprobs(logits, base + row * stride, vocabSize, targets[row], numTop, out, row);
        }
    }
}
