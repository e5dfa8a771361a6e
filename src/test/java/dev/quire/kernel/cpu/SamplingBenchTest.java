package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Prints the time of a row; logits are normal with the given spread: 1 is nearly flat, 5 is like a trained model. */
@Tag("bench")
class SamplingBenchTest {
    @ParameterizedTest
    @CsvSource({
        // rows, vocabulary, spread, temperature, top_p, top_k, log-probabilities
        "16,8192,5,0,1,0,-1",
        "16,8192,5,1,1,0,-1",
        "16,8192,5,1,0.95,0,-1",
        "16,8192,1,1,0.95,0,-1",
        "16,8192,1,1,1,50,-1",
        "16,8192,5,0,1,0,5",
        "4,128256,5,0,1,0,-1",
        "4,128256,5,1,1,0,-1",
        "4,128256,5,1,0.95,0,-1",
        "4,128256,1,1,0.95,0,-1",
        "4,128256,5,1,0.95,50,-1",
        "4,128256,5,0,1,0,5",
    })
    void sample(int rows, int vocabSize, float spread, float temperature, float topP, int topK, int numLogprobs) {
        Tensor logits = AttentionCase.tensor(rows, vocabSize);
        Random random = new Random(1);
        for (int i = 0; i < logits.floats().length; i++) {
            logits.floats()[i] = spread * (float) random.nextGaussian();
        }
        SamplingBatch batch = new SamplingBatch(rows);
        batch.numRows = rows;
        Arrays.fill(batch.temperature, temperature);
        Arrays.fill(batch.topP, topP);
        Arrays.fill(batch.topK, topK);
        Arrays.fill(batch.repetitionPenalty, 1f);
        Arrays.fill(batch.numLogprobs, numLogprobs);
        SampledTokens out = new SampledTokens(rows);
        try (WorkerPool pool = new WorkerPool(Runtime.getRuntime().availableProcessors())) {
            CpuSampling sampling = new CpuSampling(pool, LoopChoice.fastest());
            double best = Double.MAX_VALUE;
            long end = System.nanoTime() + 3_000_000_000L;
            for (long step = 0; System.nanoTime() < end; step++) {
                Arrays.fill(batch.counter, step);
                long start = System.nanoTime();
                sampling.sample(logits, vocabSize, batch, out);
                best = Math.min(best, (System.nanoTime() - start) / 1e3);
            }
            System.out.printf(
                    "sample rows=%d vocab=%d spread=%.0f temperature=%.0f top_p=%.2f top_k=%d logprobs=%d: %.1f µs,"
                            + " %.1f µs a row%n",
                    rows, vocabSize, spread, temperature, topP, topK, numLogprobs, best, best / rows);
            assertThat(out.ids).doesNotContain(-1);
        }
    }
}
