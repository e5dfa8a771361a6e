package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.tensor.DType;
import dev.quire.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** A JVM started without {@code --add-modules jdk.incubator.vector} computes the same, only slower. */
class WithoutVectorModuleTest {
    @Test
    void theKernelsRunInAPlainJvm() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        PlainJvm.class.getName())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("module false").contains("result " + PlainJvm.sample());
    }

    static final class PlainJvm {
        public static void main(String[] args) {
            System.out.println("module " + VectorModule.isPresent());
            System.out.println("result " + sample());
            AttentionParams params = new AttentionParams(2, 1, 8, 0.3f, 0, 0f, null);
            AttentionCase attentionCase = new AttentionCase(params, 1, 40);
            try (WorkerPool pool = new WorkerPool(2)) {
                float[] actual = attentionCase
                        .run(
                                new CpuKvCache(pool),
                                new CpuAttention(pool, LoopChoice.fastest()),
                                attentionCase.steps(9),
                                16,
                                DType.F32,
                                1)[0];
                double[] expected = attentionCase.expected(DType.F32)[0];
                for (int i = 0; i < expected.length; i++) {
                    if (!(Math.abs(actual[i] - expected[i]) < 1e-5)) {
                        throw new AssertionError(i + ": " + actual[i] + " instead of " + expected[i]);
                    }
                }
            }
        }

        static String sample() {
            int rows = 40;
            Tensor logits = AttentionCase.tensor(rows, 1000);
            for (int i = 0; i < logits.floats().length; i++) {
                logits.floats()[i] = (float) (4 * Math.sin(i * 1.7));
            }
            SamplingBatch batch = new SamplingBatch(rows);
            batch.numRows = rows;
            for (int row = 0; row < rows; row++) {
                batch.seed[row] = row;
                batch.temperature[row] = row % 4;
                batch.topK[row] = row % 3 * 20;
            }
            Arrays.fill(batch.topP, 0.9f);
            Arrays.fill(batch.repetitionPenalty, 1f);
            Arrays.fill(batch.numLogprobs, -1);
            SampledTokens out = new SampledTokens(rows);
            try (WorkerPool pool = new WorkerPool(2)) {
                new CpuSampling(pool, LoopChoice.fastest()).sample(logits, 1000, batch, out);
            }
            return Arrays.toString(out.ids);
        }
    }
}
